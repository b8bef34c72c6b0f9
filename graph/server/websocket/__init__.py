"""GraphQL over sockets: graphql-transport-ws, and the sockets that are open."""

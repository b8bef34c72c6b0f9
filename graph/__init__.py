"""The GraphQL API: a folder for each noun, and `server/` for HTTP and WebSockets."""

"""GraphQL over HTTP: connections, requests, answers, and streams of events."""

"""GraphQL over HTTP: requests, answers, and streams of events."""

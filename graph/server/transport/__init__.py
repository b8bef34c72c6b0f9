"""Connections below GraphQL: what uvicorn reads and writes, and its bounds."""

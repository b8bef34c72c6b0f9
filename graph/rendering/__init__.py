"""Renders answers as JSON, in pieces, and limits how many bytes and how much time one takes. Imports no type."""

"""Answers as bytes, made in pieces, and how much one answer may take. Knows no noun."""

"""Parses and validates GraphQL documents before they run, computes their cost, and caches them.

Knows the schema, but neither callers nor rows.
"""

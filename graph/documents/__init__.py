"""What is known of a GraphQL document before it runs: its syntax tree, whether it is valid, what it may cost.

Knows the schema's shape, and neither callers nor rows.
"""

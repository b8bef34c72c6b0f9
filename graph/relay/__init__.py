"""What all nouns of the API share: global ids, connections, payloads of mutations, arguments.

Knows no noun.
"""

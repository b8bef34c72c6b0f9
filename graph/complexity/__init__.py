"""What a document may ask, measured before it runs: depth, aliases, repetition, and what it may cost.

Pure: rules and counts over syntax trees. Who may spend how much stands in `graph.limits`.
"""

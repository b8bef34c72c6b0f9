"""From Google: what to ask, what to store, and what its events block."""

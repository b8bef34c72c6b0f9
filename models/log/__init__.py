"""The log of each business: the one way to write, who is woken after, and outcomes that are remembered."""

"""Google's API: its calls, its answers as values, its refusals, tokens, and how many requests it may be sent."""

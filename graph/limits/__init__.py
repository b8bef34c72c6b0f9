"""What one request, one key and one address may ask: depth, aliases, repetition, cost, and how much of it a minute.

Refuses before anything runs. Reads no rows and answers nothing itself.
"""

"""To Google: what an event should say, which call to make next, and what came of it."""

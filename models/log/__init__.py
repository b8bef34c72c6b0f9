"""The change log of each business: writing to it, waking listeners after, and the outcomes of idempotent requests."""

"""The stand-in's events: what is stored, listed and repeated."""

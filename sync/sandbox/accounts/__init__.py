"""The stand-in's accounts, and what they granted."""

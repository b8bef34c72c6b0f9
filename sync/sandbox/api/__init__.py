"""The stand-in's calendar API."""

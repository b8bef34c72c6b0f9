"""Pulling from Google: what to ask, which rows to write, and which options an event blocks."""

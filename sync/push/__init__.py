"""Pushing to Google: rendering events, deciding which call to make next, and storing the outcome."""

"""Accounts, their calendars and links: signing in, linking, leaving, and how well it all works."""

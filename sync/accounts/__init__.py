"""Google accounts, their calendars and links: signing in, linking, disconnecting, and what clients see of them."""

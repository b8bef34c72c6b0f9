"""Rows for Google: accounts, calendars, links, events, and mirrors of bookings. Rows; `sync` does the work."""

"""Rows for Google: accounts, calendars, links, events, and mirrors of bookings. Only `sync` talks to Google."""

"""Bookings, holds and the time they claim. Rows."""

"""Bookings, holds and the time they claim: the rows, and the functions that read and write only them."""

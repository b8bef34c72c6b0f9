"""Bookings and holds: the types, lists of them, and the mutations that make and change them."""

"""Decides from values what can be booked when. Pure: reads no clock and no database."""

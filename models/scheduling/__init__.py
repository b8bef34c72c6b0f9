"""Time and what can be booked in it: decided from values. Pure: no clock, no database."""

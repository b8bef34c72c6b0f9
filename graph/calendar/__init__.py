"""The calendar: bookings, holds, time off and Google events as entries, and the mutations for time off."""

"""What people do with bookings, each in one transaction: lock, read, decide, write. And what is read for it."""

"""What reaches clients by itself: one file for each subscription."""

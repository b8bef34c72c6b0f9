"""What reaches clients by itself: one file for each subscription, and in `source.py` how the server runs them."""

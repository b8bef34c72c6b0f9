"""`timebok demo`: a demo business, with a stand-in for Google beside it."""

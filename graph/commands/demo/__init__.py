"""`timebok demo`: a business to look at, with a stand-in for Google beside it."""

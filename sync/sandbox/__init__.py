"""A small real Google on loopback: OAuth, Calendar API, push channels, and a page that plays the human.

For development, the demo and tests. Production code never imports it: it knows an origin URL, nothing else.
It imports nothing of ours outside this folder, so that it can contradict the code it stands opposite to.
"""

"""How bytes move: routes, sockets, streams, limits. Knows no noun."""

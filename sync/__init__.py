"""Google: what comes from it, what goes to it. The graph knows only `sync.service`."""

"""Synchronisation with Google: pulls events from it, pushes bookings to it. The graph imports only `sync.service`."""

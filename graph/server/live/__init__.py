"""Subscriptions at work: who follows what, executed once for equal subscribers, and sent as the same bytes."""

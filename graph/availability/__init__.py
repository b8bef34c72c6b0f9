"""Availability: free slots, the reasons against a start, and what subscriptions to slots read."""

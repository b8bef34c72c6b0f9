"""Measures documents before they run: depth, aliases, repetition, and cost. Pure.

`graph.limits` decides how much cost a caller may spend.
"""

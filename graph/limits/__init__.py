"""Limits of what keys and addresses may ask for, and the errors for those who ask for more.

`rate` counts by the minute, `cost_budget` limits cost, `door` limits requests, `seats` limits subscriptions, `turns`
and `space` share work and memory fairly, `queue` says who of many makes room, `address` finds the address that a
request counts for, and `answers` has the errors. `graph.complexity` measures documents; `graph.server` limits
connections and bytes.
"""

"""What one request, one key and one address may ask, and what is said to those who ask for more.

Here belong: how a document is measured before it runs (`depth`, `aliases`, `repetition`, `cost`, `lengths`), counting
by the minute (`rate`), what keys spend (`spending`), which address a request comes from (`address`), who is let in
(`door`), and the answers to whoever has to wait (`answers`). Connections and bytes are bounded in `graph.server`.
"""

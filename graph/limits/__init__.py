"""What one key and one address may use, and what is said to those who ask for more.

Here belongs: counting (`rate`), which address a request comes from (`address`), the two put together for a process
(`door`), and the answers to whoever has to wait (`answers`). Connections and bytes are bounded in `graph.server`.
"""

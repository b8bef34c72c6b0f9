"""What one request may use: its context, what the process shares, and batched reads."""

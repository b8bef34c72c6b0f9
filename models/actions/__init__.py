"""What people do in one transaction that needs several tables: lock, read, decide, write. And the reads for it."""

"""What asyncpg does not promise to keep and is used all the same, with its reason."""

import asyncpg


class PooledConnection(asyncpg.Connection):
    """A connection on which nothing outlives a transaction: handed back to the pool, it needs no statement to clean up.

    That statement would be a second way to the server for every read.
    """

    def get_reset_query(self) -> str:
        """What is sent when it is handed back; an open transaction is rolled back in any case (asyncpg, `reset`)."""
        return ""

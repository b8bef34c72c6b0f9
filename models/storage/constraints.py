"""What the database itself refuses, whatever the code above does: overlapping claims, lengths that make no sense.

Installed after every migration and checked then: on SQLite many a schema change remakes a table and silently loses
its triggers.
"""

from tortoise.backends.base.client import BaseDBAsyncClient

NO_OVERLAP = "claim_no_overlap"

# Words are compared by their bytes, so that a range of them is a prefix, in whatever language the database is.
_BY_BYTES = 'ALTER TABLE booking_word ALTER COLUMN word TYPE varchar(64) COLLATE "C"'

_IS_BY_BYTES = """
    SELECT 1 FROM information_schema.columns
    WHERE table_schema = current_schema() AND table_name = 'booking_word' AND column_name = 'word'
      AND collation_name = 'C'"""

_POSTGRES = {
    NO_OVERLAP: f"""
        ALTER TABLE claim ADD CONSTRAINT {NO_OVERLAP}
        EXCLUDE USING gist (option_id WITH =, tstzrange(occupied_start, occupied_end) WITH &&)""",
    "claim_has_length": "ALTER TABLE claim ADD CONSTRAINT claim_has_length CHECK (occupied_start < occupied_end)",
    "claim_has_one_owner": """
        ALTER TABLE claim ADD CONSTRAINT claim_has_one_owner CHECK ((booking_id IS NULL) <> (hold_id IS NULL))""",
    "booking_has_length": "ALTER TABLE booking ADD CONSTRAINT booking_has_length CHECK (starts_at < ends_at)",
}

_OVERLAPS = """
    SELECT 1 FROM claim AS other
    WHERE other.option_id = NEW.option_id AND other.id <> NEW.id
      AND other.occupied_start < NEW.occupied_end AND NEW.occupied_start < other.occupied_end"""


def _trigger(name: str, table: str, event: str, condition: str) -> str:
    """A SQLite trigger that aborts with its constraint's name."""
    constraint = name.removesuffix(f"_{event.lower()}")
    return f"""
        CREATE TRIGGER IF NOT EXISTS {name} BEFORE {event} ON {table} WHEN {condition}
        BEGIN SELECT RAISE(ABORT, '{constraint}'); END"""


_SQLITE = {
    name: _trigger(name, table, event, condition)
    for constraint, table, condition in (
        (NO_OVERLAP, "claim", f"EXISTS ({_OVERLAPS})"),
        ("claim_has_length", "claim", "NOT NEW.occupied_start < NEW.occupied_end"),
        ("claim_has_one_owner", "claim", "(NEW.booking_id IS NULL) = (NEW.hold_id IS NULL)"),
        ("booking_has_length", "booking", "NOT NEW.starts_at < NEW.ends_at"),
    )
    for event in ("INSERT", "UPDATE")
    for name in (f"{constraint}_{event.lower()}",)
}


class BackstopMissingError(RuntimeError):
    """A constraint could not be installed; the database must not be used."""


async def install(connection: BaseDBAsyncClient) -> None:
    """Installs what is missing, then checks that everything is there. Raises BackstopMissingError."""
    postgres = connection.capabilities.dialect == "postgres"
    wanted = _POSTGRES if postgres else _SQLITE
    if postgres:
        await connection.execute_script("CREATE EXTENSION IF NOT EXISTS btree_gist")
        if not await connection.execute_query_dict(_IS_BY_BYTES):
            await connection.execute_script(_BY_BYTES)
    there = await present(connection)
    for name, statement in wanted.items():
        if name not in there:
            await connection.execute_query(statement)
    if missing := set(wanted) - await present(connection):
        raise BackstopMissingError(f"the database lacks {', '.join(sorted(missing))}")


async def present(connection: BaseDBAsyncClient) -> set[str]:
    """The names of the constraints or triggers that the database has."""
    if connection.capabilities.dialect == "postgres":
        query = "SELECT conname AS name FROM pg_constraint WHERE connamespace = current_schema()::regnamespace"
    else:
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    return {str(row["name"]) for row in await connection.execute_query_dict(query)}

"""The database: connecting, one transaction helper, reading plain rows. Knows no noun.

SQLite and PostgreSQL behave alike above this file. Nothing may await the network inside a transaction.
"""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, TypeAlias, TypeVar
from urllib.parse import parse_qsl, urlencode

import asyncpg
from tortoise import connections
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.backends.base.config_generator import expand_db_url
from tortoise.context import TortoiseContext, require_context
from tortoise.exceptions import DBConnectionError
from tortoise.expressions import Subquery
from tortoise.models import Model
from tortoise.queryset import QuerySet
from tortoise.transactions import in_transaction

from models.scheduling.intervals import Steps
from models.storage import turns
from models.storage.asyncpg_internals import PooledConnection
from models.storage.tortoise_internals import init_for_every_task, statement_of

log = logging.getLogger("timebok.database")

T = TypeVar("T")
M = TypeVar("M", bound=Model)
Row: TypeAlias = Mapping[str, Any]

TABLES = (
    "models.business",
    "models.api_key",
    "models.catalog.option",
    "models.catalog.service",
    "models.catalog.service_option",
    "models.bookings.booking",
    "models.bookings.address_booking",
    "models.bookings.hold",
    "models.bookings.claim",
    "models.catalog.time_off",
    "models.bookings.search",
    "models.log.idempotency",
    "models.log.change_log",
    "models.google.tables",
    "models.google.event",
    "models.google.mirror",
)

SOME = 50
"""So many rows are read in one step."""

MIGRATIONS = "models.migrations"

_AWAY: tuple[type[Exception], ...] = (
    OSError,
    DBConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What a statement may raise while the database cannot be reached, or has just ended the connection."""

_NOT_WRITTEN: tuple[type[Exception], ...] = (
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.DiskFullError,
    asyncpg.InsufficientPrivilegeError,
)
_NOT_WRITTEN_CODES = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}
"""What a write may raise for want of space or right: of PostgreSQL, and the codes of SQLite."""


def is_away(error: Exception) -> bool:
    """Whether an error means that the database cannot be reached, or not written to, just now; wrong values look much
    alike.
    """
    return (isinstance(error, _AWAY) and not isinstance(error, ValueError)) or is_unwritable(error)


def is_unwritable(error: BaseException) -> bool:
    """Whether an error means that the database takes no writes: its disk is full, or it may only be read."""
    return any(isinstance(each, _NOT_WRITTEN) or _sqlite_code(each) in _NOT_WRITTEN_CODES for each in origins(error))


def origins(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was made of: Tortoise hands the database's own on as an argument."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        (inner,) = seen.args if len(seen.args) == 1 else (None,)
        seen = inner if isinstance(inner, BaseException) else seen.__cause__


def _sqlite_code(error: BaseException) -> int | None:
    """SQLite's primary code of an error."""
    code = getattr(error, "sqlite_errorcode", None) if isinstance(error, sqlite3.Error) else None
    return None if code is None else code & 0xFF


_unwritable_since: float | None = None


def is_writable() -> bool:
    """Whether the last write did not fail for want of space or right."""
    return _unwritable_since is None


def note_unwritable(error: BaseException) -> bool:
    """Whether an error means that the database takes no writes; if so, the log says it once until a write succeeds."""
    global _unwritable_since
    if not is_unwritable(error):
        return False
    if _unwritable_since is None:
        _unwritable_since = monotonic()
        log.warning("the database takes no writes: %s", " ".join(str(error).split()) or type(error).__name__)
    return True


def _note_written() -> None:
    """Notes that a write succeeded; the log says so if the one before did not."""
    global _unwritable_since
    if _unwritable_since is not None:
        log.warning("the database takes writes again after %.0f s", monotonic() - _unwritable_since)
        _unwritable_since = None


_under_way: set[asyncio.Task[Any]] = set()


def config(url: str, **parameters: str) -> dict[str, Any]:
    """Tortoise's configuration for one of our database URLs; `parameters` have their way over the URL's own."""
    dialect = "sqlite" if url.startswith("sqlite") else "postgres"
    # One name per dialect: Tortoise caches its INSERT statements by connection name, not by dialect.
    connection = expand_db_url(_address(url, dialect, parameters))
    if dialect == "postgres":
        connection["credentials"]["connection_class"] = PooledConnection
    return {
        "connections": {dialect: connection},
        "apps": {
            "models": {"models": list(TABLES), "default_connection": dialect, "migrations": MIGRATIONS},
        },
        "use_tz": True,
        "timezone": "UTC",
    }


def _address(url: str, dialect: str, parameters: Mapping[str, str]) -> str:
    """`sqlite:///x` is relative to the working directory, `sqlite:////x` absolute; Tortoise counts one slash less."""
    defaults = {"sqlite": {"busy_timeout": "15000", "synchronous": "NORMAL"}, "postgres": {"maxsize": "20"}}
    if dialect == "sqlite":
        url = url.replace("sqlite:///", "sqlite://", 1)
    elif url.startswith("postgresql://"):
        url = url.replace("postgresql://", "postgres://", 1)
    address, _, asked = url.partition("?")
    return f"{address}?{urlencode({**defaults[dialect], **dict(parse_qsl(asked)), **parameters})}"


@asynccontextmanager
async def opened(url: str, **parameters: str) -> AsyncIterator[BaseDBAsyncClient]:
    """The process's database, open for as long as the block lasts; work in hand is finished before it closes."""
    context = TortoiseContext()
    with context:
        await init_for_every_task(context, config(url, **parameters))
    global _unwritable_since
    _unwritable_since = None
    try:
        yield context.db()
    finally:
        while _under_way:
            await asyncio.wait(set(_under_way))
        await context.close_connections()


def connection() -> BaseDBAsyncClient:
    """The current connection: the transaction's inside one."""
    current: BaseDBAsyncClient = connections.get(next(iter(connections.db_config)))
    return current


def table(name: str) -> type[Model]:
    """The table class of that name, for who may not import its file."""
    return require_context().get_model("models", name)


def is_postgres() -> bool:
    """Whether the database is PostgreSQL; else it is SQLite."""
    return connection().capabilities.dialect == "postgres"


async def transaction(
    body: Callable[[], Awaitable[T]], then: Callable[[], None] = lambda: None, *, writes: bool = True
) -> T:
    """Runs the body in one transaction that a cancelled caller cannot break off half-way; `then` once it is committed.
    `writes` is false for a body that only reads.

    Cancelling a task inside Tortoise's own `in_transaction` leaks the lock or the pooled connection, and clients
    cancel whenever they hang up. So the work runs as a task of its own, and only the waiting is cancelled.
    On SQLite the body's first statement must write: a read first would make a later write fail as "locked".
    """

    async def unit() -> T:
        try:
            async with in_transaction():
                answer = await body()
        except Exception as error:
            note_unwritable(error)
            raise
        if writes:
            _note_written()
        then()
        return answer

    task = asyncio.create_task(unit())
    _under_way.add(task)
    task.add_done_callback(_done)
    return await asyncio.shield(task)


def _done(task: asyncio.Task[Any]) -> None:
    """Forgets the task. Its error is its caller's; one whose caller hung up has been answered by the rollback."""
    _under_way.discard(task)
    if not task.cancelled():
        task.exception()


async def snapshot(body: Callable[[], Awaitable[T]]) -> T:
    """Runs a body that only reads, with everything it reads as of one moment."""

    async def reading() -> T:
        if is_postgres():
            await connection().execute_script("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return await body()

    return await transaction(reading, writes=False)


async def select(query: QuerySet[M], columns: Iterable[str], **named: str) -> list[Row]:
    """The asked columns of the rows, as plain mappings: one statement, no model instances. `named` are columns under
    other names. Many rows are read in turns.
    """
    statement = statement_of(query.values(*sorted(set(columns)), **named))
    _, found = await connection().execute_query(statement.sql, statement.parameters)
    return await turns.through(_plain(found, statement.converts))


def _plain(found: Iterable[Any], converts: Mapping[str, Callable[[Any], Any]]) -> Steps[list[Row]]:
    rows: list[Row] = []
    for each in found:
        row = dict(each)
        for name, convert in converts.items():
            row[name] = convert(row[name])
        rows.append(row)
        if len(rows) % SOME == 0:
            yield
    return rows


def within(query: QuerySet[M], column: str) -> Subquery:
    """The query's values of a column, for `__in`."""
    return Subquery(query.values(column))

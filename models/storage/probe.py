"""Trying a database before anything else is done with it: whether it can be used, and if not, why, in one line."""

import asyncio
import os
import sqlite3
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg

SECONDS = 10
"""So long a database server has to answer."""

_NAME = "TIMEBOK_DATABASE_URL"
_REFUSED = (
    asyncpg.InvalidPasswordError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.ClientConfigurationError,
    ValueError,
)
_BEGUN = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class WrongDatabaseError(Exception):
    """A database that cannot be used as it is named; the message says why."""


class SilentDatabaseError(Exception):
    """A database that does not answer now, and may later; the message says how it was tried."""


async def probe(url: str, *, new: bool = True) -> None:
    """Returns when the database can be used; with `new` an SQLite file that is not there yet will do. Raises
    WrongDatabaseError or SilentDatabaseError.
    """
    if url.startswith("sqlite"):
        await asyncio.to_thread(_probe_file, file_of(url), new)
    else:
        await _probe_server(url)


def file_of(url: str) -> Path:
    """The file of an SQLite URL."""
    return Path(url.removeprefix("sqlite:///").partition("?")[0])


def server_address(url: str) -> str:
    """A PostgreSQL URL without what is meant for our pool."""
    split = urlsplit(url)
    known = {name: value for name, value in parse_qsl(split.query) if name not in {"minsize", "maxsize"}}
    return urlunsplit(split._replace(query=urlencode(known)))


def _probe_file(file: Path, new: bool) -> None:
    try:
        exists, has_folder = file.exists(), file.parent.is_dir()
    except OSError as error:
        raise WrongDatabaseError(f"{_NAME}: {file} cannot be used: {error.strerror}") from None
    if exists and not file.is_file():
        raise WrongDatabaseError(f"{_NAME}: {file} is {'a folder' if file.is_dir() else 'no file'}")
    if not has_folder:
        raise WrongDatabaseError(f"{_NAME}: there is no folder {file.parent}; make it, or name another")
    if not exists and not new:
        raise WrongDatabaseError(f"{_NAME}: there is no database {file}; run `timebok migrate`")
    # SQLite writes beside its file, too.
    for needed in (file.parent, file) if exists else (file.parent,):
        if not os.access(needed, os.R_OK | os.W_OK):
            raise WrongDatabaseError(f"{_NAME}: {needed} may not be written to")
    if exists:
        _read_file(file)


def _read_file(file: Path) -> None:
    """Reads what every SQLite database has."""
    try:
        connection = sqlite3.connect(f"{file.resolve().as_uri()}?mode=rw", uri=True, timeout=0)
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
        finally:
            connection.close()
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _BEGUN:
            raise WrongDatabaseError(f"{_NAME}: {file} is no SQLite database that can be read: {error}") from None


async def _probe_server(url: str) -> None:
    split = urlsplit(url)
    where = f"PostgreSQL at {split.hostname or dict(parse_qsl(split.query)).get('host', 'this machine')}"
    try:
        async with asyncio.timeout(SECONDS):
            connection = await asyncpg.connect(server_address(url), timeout=SECONDS)
            await connection.close()
    except _REFUSED as error:
        raise WrongDatabaseError(f"{_NAME}: {where}: {_line(error)}") from None
    except TimeoutError:
        raise SilentDatabaseError(f"{_NAME}: {where} did not answer within {SECONDS} s") from None
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise SilentDatabaseError(f"{_NAME}: {where} does not answer: {_line(error)}") from None


def _line(error: Exception) -> str:
    """The first line of what an error says."""
    return (str(error).splitlines() or [type(error).__name__])[0]

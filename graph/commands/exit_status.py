"""The exit status of a command that fails, and the one line that says why.

It is 2 for what the operator has to correct (a setting, an argument, a file), 1 for anything else.
"""

import asyncpg

from models.settings import WrongSettingError
from models.storage import db
from models.storage.probe import SilentDatabaseError, WrongDatabaseError

WRONG, FAILED = 2, 1

_NOT_MIGRATED = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError)


class WrongArgumentError(Exception):
    """The command cannot use an argument; the message names it."""


def status_and_message(error: Exception) -> tuple[int, str]:
    """Returns the exit status and the line for an error; for a group, those of its first."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    message = _line(error)
    if isinstance(error, WrongArgumentError | WrongSettingError | WrongDatabaseError):
        return WRONG, message
    if isinstance(error, SilentDatabaseError):
        return FAILED, message
    if _is_not_migrated(error):
        return WRONG, "TIMEBOK_DATABASE_URL: the database is not up to date; run `timebok migrate`"
    if db.is_unwritable(error):
        return FAILED, f"the database takes no writes: {message}"
    if db.is_away(error) and not (isinstance(error, OSError) and error.filename):
        return FAILED, f"the database does not answer: {message}"
    if isinstance(error, OSError) and error.filename:
        return WRONG, f"{error.filename} cannot be used: {error.strerror}"
    return FAILED, f"{type(error).__name__}: {message} (--debug shows where)"


def _is_not_migrated(error: Exception) -> bool:
    """Whether the error means that the database lacks a table or a column."""
    return any(
        isinstance(each, _NOT_MIGRATED) or str(each).startswith(("no such table", "no such column"))
        for each in db.origins(error)
    )


def _line(error: Exception) -> str:
    """Returns an error's message in one line."""
    return " ".join(str(error).split()) or type(error).__name__

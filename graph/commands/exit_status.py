"""How a command ends that cannot go on: its exit status, and the one line that says why.

2 is for what somebody has to put right (a setting, an argument, a file), 1 for anything else.
"""

import asyncpg

from models.settings import WrongSettingError
from models.storage import db
from models.storage.probe import SilentDatabaseError, WrongDatabaseError

WRONG, FAILED = 2, 1

_NOT_MIGRATED = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError)


class WrongArgumentError(Exception):
    """An argument that cannot be used; the message names it."""


def status_and_message(error: Exception) -> tuple[int, str]:
    """The exit status, and the line."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    said = _line(error)
    if isinstance(error, WrongArgumentError | WrongSettingError | WrongDatabaseError):
        return WRONG, said
    if isinstance(error, SilentDatabaseError):
        return FAILED, said
    if _is_not_migrated(error):
        return WRONG, "TIMEBOK_DATABASE_URL: the database is not up to date; run `timebok migrate`"
    if db.is_unwritable(error):
        return FAILED, f"the database takes no writes: {said}"
    if db.is_away(error) and not (isinstance(error, OSError) and error.filename):
        return FAILED, f"the database does not answer: {said}"
    if isinstance(error, OSError) and error.filename:
        return WRONG, f"{error.filename} cannot be used: {error.strerror}"
    return FAILED, f"{type(error).__name__}: {said} (--debug shows where)"


def _is_not_migrated(error: Exception) -> bool:
    """Whether a table or column is missing."""
    return any(
        isinstance(each, _NOT_MIGRATED) or str(each).startswith(("no such table", "no such column"))
        for each in db.origins(error)
    )


def _line(error: Exception) -> str:
    """What an error says, in one line."""
    return " ".join(str(error).split()) or type(error).__name__

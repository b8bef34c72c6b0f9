"""Something this process needs and cannot reach just now: the log says when it goes and when it is back, once each,
however often it is tried meanwhile.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from models.storage import db


class Outage:
    """Whether one thing is away, and since when."""

    def __init__(self, log: logging.Logger, what: str) -> None:
        """`what` is away when it is: "the database"."""
        self._log = log
        self._what = what
        self._since: float | None = None

    def goes_on(self, why: str) -> None:
        """It is away; the log has to say so unless it did."""
        if self._since is None:
            self._since = monotonic()
            self._log.warning("%s is away, and is tried again until it is back: %s", self._what, why)

    def is_over(self) -> None:
        """It is there; the log has to say so if it was away."""
        if self._since is not None:
            self._log.warning("%s is back after %.0f s", self._what, monotonic() - self._since)
            self._since = None


@contextmanager
def looking(outage: Outage, log: logging.Logger, fault: str) -> Iterator[None]:
    """Around something that asks the database and is done again whatever comes of it: `fault` is what the log says of
    a failure that is none of the database's being away.
    """
    try:
        yield
    except Exception as error:
        if db.note_unwritable(error):
            return
        if db.is_away(error):
            outage.goes_on(" ".join(str(error).split()) or type(error).__name__)
        else:
            log.exception(fault)
    else:
        outage.is_over()

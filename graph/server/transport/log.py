"""Keeps what clients cause in uvicorn's log to one line a minute of each kind, with a count of those left out."""

import logging
import time
from collections.abc import Callable

SECONDS = 60.0
"""How long a warning is counted, and not logged again."""


class RareWarnings(logging.Filter):
    """Lets one warning of each text through, and counts the others until its minute is over."""

    def __init__(self, logger: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._logger = logger
        self._clock = clock
        self._seen: dict[str, tuple[float, int]] = {}
        """By text: when the next line may come, and how many were left out since the last."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is logged. `logging` calls it for every line; it changes the text of one that has a count."""
        if record.levelno != logging.WARNING:
            return True
        text, now = record.getMessage(), self._clock()
        due, left_out = self._seen.get(text, (now, 0))
        if now < due:
            self._seen[text] = (due, left_out + 1)
            return False
        self._seen[text] = (now + SECONDS, 0)
        if left_out:
            record.msg, record.args = "%s (%d more since the last line)", (text, left_out)
        return True

    def report(self) -> None:
        """Logs what was left out and whose minute is over. The server calls it now and then."""
        now = self._clock()
        for text, (due, left_out) in list(self._seen.items()):
            if now >= due and left_out:
                self._seen[text] = (due, left_out - 1)
                self._logger.warning("%s", text)
            elif now >= due:
                del self._seen[text]


RARE = RareWarnings(logging.getLogger("uvicorn.error"))
"""The one of this process: uvicorn has one logger for all its servers."""

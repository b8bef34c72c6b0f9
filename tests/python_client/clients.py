"""Generated clients with the keys of one business, and the times that they speak of."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.graph.connected_shop import Connected
from tests.graph.shop import at


def moment(clock: str, day: int = 0) -> datetime:
    """That time on Oslo's clocks, `day` days after MONDAY."""
    return datetime.fromisoformat(at(clock, day))


WINDOW = {"from_": moment("00:00"), "to": moment("00:00", 1)}
"""That Monday."""


@dataclass(frozen=True)
class Clients:
    """The generated module, and a client of it with each key: `app` has the public one."""

    town: Connected
    made: Any
    admin: Any
    staff: Any
    app: Any

    def ran(self) -> set[str]:
        """The operations that were answered, by name."""
        answered: set[str] = self.admin.ran | self.staff.ran | self.app.ran
        return answered


async def seen(stream: AsyncIterator[Any], holds: Callable[[Any], bool]) -> Any:
    """The next message of a stream that is as it should be. Fails when the stream ends without."""
    async for message in stream:
        if holds(message):
            return message
    raise AssertionError("the stream ended")

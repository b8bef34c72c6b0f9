"""What the server counts: read at /metrics, as an operator does."""

from dataclasses import dataclass, field

from tests.served import Served


@dataclass
class Counting:
    """How far each counter went since it was looked at first."""

    served: Served
    _first: dict[str, float] = field(default_factory=dict)

    async def __call__(self) -> dict[str, float]:
        """The counters of the live side, since the first look."""
        text = (await self.served.http.get(f"{self.served.url}/metrics")).text
        lines = [line.split() for line in text.splitlines() if line.startswith("timebok_")]
        now = {name.removeprefix("timebok_").removesuffix("_total"): float(value) for name, value in lines}
        if not self._first:
            self._first = now
        return {name: value - self._first[name] for name, value in now.items()}

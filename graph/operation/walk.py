"""graphql-core's walk through an answer, in which an error cancels nothing.

graphql-core cancels what stands beside a field that cannot be shown. What is cancelled before it has begun leaves
behind what was made for it, never awaited; so all that was begun goes on to its end, and is looked after until then.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from graphql import Undefined
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext


class Walk(StrawberryGraphQLCoreExecutionContext):
    """Fields and items side by side."""

    def execute_fields(
        self, parent_type: Any, source_value: Any, path: Path | None, grouped_field_set: Any, *rest: Any
    ) -> Any:
        """The fields of an object."""
        shown: dict[str, Any] = {}
        waiting: list[str] = []
        try:
            for name, details in grouped_field_set.items():
                place = Path(path, name, parent_type.name)
                value = self.execute_field(parent_type, source_value, details, place, *rest)
                if value is not Undefined:
                    shown[name] = value
                    if self.is_awaitable(value):
                        waiting.append(name)
        except Exception:
            self.let_go([shown[name] for name in waiting])
            raise
        return self._together(shown, waiting) if waiting else shown

    def few(self, items: Sequence[Any], complete: Callable[[int, Any, list[Any]], bool]) -> Any:
        """The items of a list. `complete` adds one as it is answered, and says whether that has to be waited for."""
        shown: list[Any] = []
        waiting: list[int] = []
        try:
            for at, item in enumerate(items):
                if complete(at, item, shown):
                    waiting.append(at)
        except Exception:
            self.let_go([shown[at] for at in waiting])
            raise
        return self._together(shown, waiting) if waiting else shown

    def let_go(self, begun: list[Awaitable[Any]]) -> None:
        """Nobody waits for this any more: it goes on by itself."""
        if begun:
            self.settle_in_background(begun)

    async def _together(self, shown: Any, places: Sequence[Any]) -> Any:
        """An object or a list, with what comes at these places instead of what has to be waited for. Raises the first
        error at once.
        """
        if len(places) == 1:
            shown[places[0]] = await shown[places[0]]
            return shown
        waiting = [asyncio.ensure_future(shown[place]) for place in places]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_EXCEPTION)
            for place, each in zip(places, waiting, strict=True):
                if each.done():
                    shown[place] = each.result()
        except BaseException:
            self.let_go([*waiting])
            raise
        return shown

"""What keys and addresses have spent of the cost they may ask for in a minute. Counted in this process alone."""

from collections.abc import Hashable, Iterator
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from graphql import GraphQLError

from graph.languages import say
from graph.limits.allowance import Allowances
from models.settings import Settings
from models.words import Role

if TYPE_CHECKING:
    from graph.context import Context
    from models.key import Caller

NEW_CHARACTER: Final = 5
"""What a character of a document costs that is not remembered: it has to be read and found valid first."""

TOO_DEAR: Final = (
    "This document may cost {requested}, and one request at most {limit}. Ask for less at once: a smaller `first`, a "
    "shorter range, fewer options, fewer fields."
)
SPENT: Final = "What may be asked for in a minute is spent. Ask again in {seconds} seconds, or for less at once."


class Spending:
    """The accounts of one process: of each key, and of each address that uses a public key, or none."""

    def __init__(self, settings: Settings) -> None:
        self._per_request = settings.request_cost
        self._keys = Allowances(settings.key_cost)
        self._addresses = Allowances(ceil(settings.key_cost * settings.address_share))

    def admit(self, context: "Context", cost: int) -> GraphQLError | None:
        """Takes what an operation may cost from who asks; the refusal where it costs more than one request may, or more
        than is left: QUERY_TOO_COMPLEX, RATE_LIMITED.
        """
        if cost > self._per_request:
            values = {"requested": f"{cost:,}", "limit": f"{self._per_request:,}"}
            extensions = {"code": "QUERY_TOO_COMPLEX", "requested": cost, "limit": self._per_request}
            return GraphQLError(say(TOO_DEAR, values, context.language), extensions=extensions)
        return self.take(context, cost)

    def take(self, context: "Context", cost: int) -> GraphQLError | None:
        """Takes a cost from who asks; the refusal RATE_LIMITED where less is left."""
        accounts = list(self._accounts(context.who, context.address))
        waits = [wait for each, holder in accounts if (wait := each.wait(holder, cost)) is not None]
        if waits:
            seconds = ceil(max(waits))
            message = say(SPENT, {"seconds": seconds}, context.language)
            return GraphQLError(message, extensions={"code": "RATE_LIMITED", "retryAfterSeconds": seconds})
        for each, holder in accounts:
            each.spend(holder, cost)
        return None

    def shown(self, context: "Context", requested: int) -> dict[str, Any]:
        """`extensions.cost` of an answer: what it was counted as, and what is left of the narrowest account."""
        if not self._keys.is_limited:
            return {"requested": requested, "limit": None, "remaining": None, "resetSeconds": None}
        accounts = self._accounts(context.who, context.address)
        remaining, seconds, limit = min((*each.left(holder), each.most) for each, holder in accounts)
        return {"requested": requested, "limit": limit, "remaining": remaining, "resetSeconds": ceil(seconds)}

    def _accounts(self, who: "Caller | None", address: str) -> Iterator[tuple[Allowances, Hashable]]:
        """The accounts that pay, each with its holder."""
        if who is not None:
            yield self._keys, who.key_id
        if who is None or who.role is Role.PUBLIC:
            yield self._addresses, (who.key_id if who else None, address)

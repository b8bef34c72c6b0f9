"""Limits the cost that keys and addresses may ask for in a minute. Each process counts by itself."""

from math import ceil
from typing import Any, Final

from graphql import GraphQLError

from graph.limits.answers import rate_limited
from graph.limits.rate import Rate, SharedRate, share_of
from graph.limits.sender import Sender
from graph.spoken import translated_error
from models.settings import Settings

NEW_CHARACTER: Final = 5
"""The cost of each character of a document that is not in the cache, for parsing and validating it, or is invalid."""

TOO_EXPENSIVE: Final = (
    "This document may cost {requested}, and one request at most {requestLimit}. Ask for less at once: a smaller "
    "`first`, a shorter range, fewer options, fewer fields."
)
USED_UP: Final = "What may be asked for in a minute is spent. Ask again in {seconds} s, or for less at once."


class CostBudget:
    """The budgets of one process: of each key, of each address that uses a public key, and of each without a key."""

    def __init__(self, settings: Settings) -> None:
        self._per_request = settings.request_cost
        self._per_minute = settings.key_cost
        self._share = share_of(settings.key_cost, settings.address_share)
        self._keys = SharedRate(settings.key_cost, settings.address_share)
        self._strangers = Rate(self._share)

    def admit(self, sender: Sender, cost: int) -> GraphQLError | None:
        """Takes what an operation may cost from the sender's budget. Returns the error QUERY_TOO_COMPLEX when it costs
        more than one request may, and RATE_LIMITED when less is left.
        """
        if cost > self._per_request:
            figures = {"requested": cost, "requestLimit": self._per_request}
            extensions = {"code": "QUERY_TOO_COMPLEX", **figures}
            return translated_error(TOO_EXPENSIVE, figures, sender.language, extensions)
        return self.take(sender, cost)

    def take(self, sender: Sender, cost: int) -> GraphQLError | None:
        """Takes a cost from the sender's budget. Returns the error RATE_LIMITED when less is left."""
        if sender.who is not None:
            wait = self._keys.take(sender.who.key_id, sender.counted_address, cost)
        else:
            wait = None if sender.address is None else self._strangers.take(sender.address, cost)
        return None if wait is None else rate_limited(USED_UP, wait, sender.language)

    def shown(self, sender: Sender, requested: int) -> dict[str, Any]:
        """Builds `extensions.cost` of an answer: its cost, the limit for a minute, and what is left of it for the
        sender. (`requestLimit` in a refusal is the limit for one request.)
        """
        if not self._per_minute:
            return {"requested": requested, "limit": None, "remaining": None, "resetSeconds": None}
        if sender.who is not None:
            key_id, address = sender.who.key_id, sender.counted_address
            limit = self._per_minute if address is None else self._share
            left, seconds = self._keys.left(key_id, address), self._keys.full_in(key_id, address)
        else:
            limit, left, seconds = (
                self._share,
                self._strangers.left(sender.address),
                self._strangers.full_in(sender.address),
            )
        return {
            "requested": requested,
            "limit": int(limit),
            "remaining": int(left or 0),
            "resetSeconds": ceil(seconds),
        }

"""Limits the requests of keys and addresses. Each process counts by itself."""

from graphql import GraphQLError
from starlette.types import Scope

from graph.limits import answers
from graph.limits.address import Addresses
from graph.limits.rate import Rate, SharedRate
from graph.limits.sender import Sender
from models.settings import Settings

WRONG_KEYS = 60
"""The most requests with a wrong key that one address may send a minute."""

WITHOUT_KEY = 120
"""The most requests without a key that one address may send a minute. They can only ask about the schema."""

SOCKETS_WITHOUT_KEY = 500
"""The most sockets that one address may open a minute on which it shows no valid key."""


class RequestLimits:
    """Counts requests: by key, and those of public keys by address too."""

    def __init__(self, settings: Settings) -> None:
        self._requests = SharedRate(settings.key_requests, settings.address_share)
        self._wrong_keys = Rate(WRONG_KEYS)
        self._without_key = Rate(WITHOUT_KEY)
        self._sockets_without_key = Rate(SOCKETS_WITHOUT_KEY)
        self._addresses = Addresses()

    def address_of(self, scope: Scope) -> str | None:
        """Returns the address that a request counts for; None when limits by address do not apply to it."""
        return self._addresses.of(scope)

    def admit(self, sender: Sender) -> GraphQLError | None:
        """Counts a request with a key; returns an error when it comes too early. Raises UNAUTHENTICATED."""
        key_id = sender.caller.key_id
        wait = self._requests.take(key_id, sender.counted_address)
        if wait is None:
            return None
        is_spent = (self._requests.left(key_id, None) or 0) < 1
        message = answers.TOO_MANY_REQUESTS if is_spent else answers.TOO_MANY_FROM_ADDRESS
        return answers.rate_limited(message, wait, sender.language)

    def admit_stranger(self, sender: Sender, *, shows_key: bool) -> GraphQLError | None:
        """Counts a request without a valid key. Returns an error when it comes too early."""
        if sender.address is None:
            return None
        rate = self._wrong_keys if shows_key else self._without_key
        wait = rate.take(sender.address)
        return None if wait is None else answers.rate_limited(answers.TOO_MANY_WITHOUT_KEY, wait, sender.language)

    def admit_socket(self, scope: Scope) -> float | None:
        """Counts a new socket, which may never show a key. Returns in how many seconds it may come; None for now."""
        address = self.address_of(scope)
        return None if address is None else self._sockets_without_key.take(address)

    def trust_socket(self, sender: Sender) -> None:
        """Counts a socket no more, since it has shown a valid key."""
        if sender.address is not None:
            self._sockets_without_key.give_back(sender.address)


def too_many_open(sender: Sender) -> GraphQLError:
    """Builds the error for a key, or an address with it, that has as many sockets and streams open as it may."""
    return answers.rate_limited(answers.TOO_MANY_OPEN, answers.OPEN_AGAIN_SECONDS, sender.language)

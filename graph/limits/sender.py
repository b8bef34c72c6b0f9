"""The sender of a request, as limits see it. `graph.request.context.Context` is one."""

from typing import Protocol

from models.api_key import Caller


class Sender(Protocol):
    """A caller, or somebody without a key at an address."""

    language: str
    address: str | None
    """None where limits by address do not apply."""

    @property
    def who(self) -> Caller | None:
        """The caller whose key came with the request; None without a valid key."""

    @property
    def caller(self) -> Caller:
        """The caller. Raises UNAUTHENTICATED without a valid key."""

    @property
    def counted_address(self) -> str | None:
        """The address if the request counts for it: with public keys only."""

"""Who sends something, as far as limits count it: the context of a request or of a socket is one."""

from typing import Protocol

from models.api_key import Caller


class Sender(Protocol):
    """A caller, or a stranger at an address."""

    language: str
    address: str | None
    """None where limits by address do not apply."""

    @property
    def who(self) -> Caller | None:
        """Whose key was shown; None without a valid one."""

    @property
    def caller(self) -> Caller:
        """The same, which must be there. Raises UNAUTHENTICATED."""

    @property
    def counted_address(self) -> str | None:
        """The address that counts: of public keys only."""

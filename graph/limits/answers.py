"""The errors for callers who have to wait: when to come back, in their language. Pure."""

import math

from graphql import GraphQLError

from graph.spoken import translated_error

RATE_LIMITED = "RATE_LIMITED"

TOO_MANY_REQUESTS = "Too many requests with this key. Send the next one in {seconds} s."
TOO_MANY_FROM_ADDRESS = "Too many requests with this key from this address. Send the next one in {seconds} s."
TOO_MANY_WITHOUT_KEY = "Too many requests from this address without a valid key. Send one in {seconds} s."
TOO_MANY_OPEN = "Too many open sockets and streams with this key. Close one, or connect again in {seconds} s."
TOO_MANY_BOOKINGS = "Too many bookings from this address. Book the next one in {seconds} s."
TOO_MANY_MOVES = "This booking was moved too often. Move it again in {seconds} s."

OPEN_AGAIN_SECONDS = 10.0
"""The wait in the error for too many sockets, since nobody knows when another one will close."""

NO_VALID_KEY = 'Send a valid key as payload of connection_init: {{"Authorization": "Bearer <key>"}}'

LONGEST_REASON = 123
"""The most bytes of the reason in a socket's close frame. Source: RFC 6455, 5.5."""


def rate_limited(message: str, wait: float, language: str) -> GraphQLError:
    """Builds the error RATE_LIMITED; the caller can ask again in `wait` seconds."""
    after = _tenths_up(wait)
    extensions: dict[str, object] = {"code": RATE_LIMITED, "retryAfterSeconds": after}
    return translated_error(message, {"seconds": math.ceil(after)}, language, extensions)


def no_valid_key(language: str) -> GraphQLError:
    """Builds the error for a socket without a valid key, which only the payload of connection_init can give."""
    return translated_error(NO_VALID_KEY, {}, language, {"code": "UNAUTHENTICATED"})


def close_reason(error: GraphQLError) -> str:
    """Cuts an error's message for the reason of a socket's close frame."""
    return error.message.encode()[:LONGEST_REASON].decode(errors="ignore")


def _tenths_up(seconds: float) -> float:
    """Rounds up to a tenth of a second, at least one tenth."""
    return max(1, math.ceil(seconds * 10)) / 10

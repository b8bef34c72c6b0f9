"""What is answered to whoever has to wait: when to come back, in the caller's language. Pure."""

import math

from graphql import GraphQLError

from graph.spoken import said

RATE_LIMITED = "RATE_LIMITED"

TOO_MANY_REQUESTS = "Too many requests with this key. Send the next one in {seconds} s."
TOO_MANY_FROM_ADDRESS = "Too many requests with this key from this address. Send the next one in {seconds} s."
TOO_MANY_WITHOUT_KEY = "Too many requests from this address without a valid key. Send one in {seconds} s."
TOO_MANY_OPEN = "Too many open sockets and streams with this key. Close one, or connect again in {seconds} s."
TOO_MANY_BOOKINGS = "Too many bookings from this address. Book the next one in {seconds} s."

OPEN_AGAIN_SECONDS = 10.0
"""When to try again where nobody knows when another socket will close."""

NO_KEY_SHOWN = 'Send a valid key as payload of connection_init: {{"Authorization": "Bearer <key>"}}'

LONGEST_REASON = 123
"""Bytes of the reason with which a socket is closed. Source: RFC 6455, 5.5."""


def rate_limited(message: str, wait: float, language: str) -> GraphQLError:
    """The error for one who asks too much; it can ask again in `wait` seconds."""
    after = _tenths_up(wait)
    extensions: dict[str, object] = {"code": RATE_LIMITED, "retryAfterSeconds": after}
    return said(message, {"seconds": math.ceil(after)}, language, extensions)


def no_key_shown(language: str) -> GraphQLError:
    """The error for a socket that shows no valid key: it is not said as over HTTP, since headers do not count there."""
    return said(NO_KEY_SHOWN, {}, language, {"code": "UNAUTHENTICATED"})


def close_reason(error: GraphQLError) -> str:
    """The error as the reason of a socket's close frame."""
    return error.message.encode()[:LONGEST_REASON].decode(errors="ignore")


def _tenths_up(seconds: float) -> float:
    """In tenths of a second, never less than it was and never nothing."""
    return max(1, math.ceil(seconds * 10)) / 10

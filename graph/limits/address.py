"""Finds the address for which limits count a request: an IPv4 address, or an IPv6 network of 64 bits.

Behind a proxy that we do not trust, every client has the proxy's address. To count them as one would lock them all out,
so such requests do not count by address, and the log says once which setting is missing.
"""

import ipaddress
import logging
from collections.abc import Mapping, MutableMapping
from typing import Any

from graph.excerpt import remember_short

log = logging.getLogger("timebok.limits")

PEER, CLIENT = "timebok.peer", "client"
"""The extension of the ASGI scope that has the connection's real peer, whatever headers say; and its key for that."""

MISSING = (
    "A proxy at %s forwards requests, and TIMEBOK_TRUSTED_PROXIES does not name it, or it sends no X-Forwarded-For: "
    "limits by address do not apply to what comes through it."
)

_PROXY_NETWORKS = tuple(
    ipaddress.ip_network(each)
    for each in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)
"""The networks of proxies: loopback, link-local, private and carrier-grade addresses (RFC 1918, 3927, 4193, 6598)."""

_FORWARDED = (b"forwarded", b"x-real-ip")


class Addresses:
    """Finds the addresses of requests. A process has one, so that it logs its warning once."""

    def __init__(self) -> None:
        self._has_warned = False

    def of(self, scope: MutableMapping[str, Any]) -> str | None:
        """Returns the address that a request counts for; None when limits by address do not apply to it."""
        client = scope.get("client")
        peer = (scope.get("extensions") or {}).get(PEER, {CLIENT: client})[CLIENT]
        if client is None or peer is None:
            return None
        if tuple(client) != tuple(peer):
            # uvicorn trusts the peer, and took the client from its headers.
            return network(client[0])
        if is_proxy_network(peer[0]) and is_forwarded(scope):
            self._warn(peer[0])
            return None
        return network(peer[0])

    def _warn(self, peer: str) -> None:
        if not self._has_warned:
            self._has_warned = True
            log.warning(MISSING, peer)


def is_forwarded(scope: Mapping[str, Any]) -> bool:
    """Whether a request has headers in which a proxy names its client."""
    return any(name in _FORWARDED or name.startswith(b"x-forwarded-") for name, _ in scope["headers"])


# The same clients come again and again: reading an address takes as long as reading a request.
@remember_short(256)
def network(host: str) -> str | None:
    """Converts a host to what counts as one address; None when it is no IP address."""
    address = _parsed(host)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
    return None if address is None else str(address)


@remember_short(256)
def is_proxy_network(host: str) -> bool:
    """Whether a host is in one of the networks where proxies are."""
    address = _parsed(host)
    return address is not None and any(address in each for each in _PROXY_NETWORKS)


def _parsed(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Parses an address; converts an IPv4 address that is written as an IPv6 one."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return (isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped) or address

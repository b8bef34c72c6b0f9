"""Which address a request counts for."""

import logging
from typing import Any

import pytest

from graph.limits.address import CLIENT, PEER, Addresses


def scope(peer: str, *headers: str, client: str | None = None) -> dict[str, Any]:
    """A request from a peer with headers of these names; `client` is whom the server believes it to come from."""
    at_the_end = (peer, 50_000)
    return {
        "client": at_the_end if client is None else (client, 0),
        "headers": [(name.encode(), b"192.0.2.1") for name in headers],
        "extensions": {PEER: {CLIENT: at_the_end}},
    }


SAME = [
    ("203.0.113.7", "203.0.113.7"),
    ("127.0.0.1", "127.0.0.1"),
    ("::ffff:203.0.113.7", "203.0.113.7"),
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    ("2001:db8:1:2::", "2001:db8:1:2::/64"),
    ("fe80::1%eth0", "fe80::/64"),
    ("::1", "::/64"),
]


@pytest.mark.parametrize(("host", "counted"), SAME)
def test_an_address_is_an_ipv4_one_or_64_bits_of_an_ipv6_one(host: str, counted: str) -> None:
    assert Addresses().of(scope(host)) == counted
    assert Addresses().of(scope("10.0.0.1", "x-forwarded-for", client=host)) == counted


NEAR = ("127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.1.1", "100.64.0.1", "::1", "fd00::1", "fe80::1")
NAMES = ("forwarded", "x-forwarded-for", "x-forwarded-proto", "x-real-ip")


@pytest.mark.parametrize("peer", [*NEAR, "::ffff:10.0.0.1"])
def test_behind_a_near_proxy_that_is_not_trusted_nobody_is_counted_and_the_log_says_so_once(
    peer: str, caplog: pytest.LogCaptureFixture
) -> None:
    addresses = Addresses()
    with caplog.at_level(logging.WARNING):
        assert [addresses.of(scope(peer, name)) for name in NAMES] == [None] * len(NAMES)
    assert caplog.text.count("TIMEBOK_TRUSTED_PROXIES") == 1
    assert addresses.of(scope(peer, "accept", "x-forward")) is not None


@pytest.mark.parametrize("peer", ["203.0.113.7", "8.8.8.8", "172.32.0.1", "2001:db8::1"])
def test_from_a_public_peer_such_headers_are_ignored(peer: str, caplog: pytest.LogCaptureFixture) -> None:
    addresses = Addresses()
    assert addresses.of(scope(peer, *NAMES)) == addresses.of(scope(peer)) is not None
    assert caplog.text == ""


def test_a_client_of_a_trusted_proxy_may_be_near_itself(caplog: pytest.LogCaptureFixture) -> None:
    assert Addresses().of(scope("10.0.0.1", "x-forwarded-for", client="192.168.1.7")) == "192.168.1.7"
    assert caplog.text == ""


def test_what_is_no_address_is_not_counted() -> None:
    nobody: dict[str, Any] = {"client": None, "headers": []}
    assert Addresses().of(nobody) is None
    for host in ("", "unknown", "_hidden", "testclient", "1.2.3", "x" * 40_000):
        assert Addresses().of(scope("10.0.0.1", "x-forwarded-for", client=host)) is None


def test_a_server_that_does_not_say_who_is_at_the_other_end_is_believed() -> None:
    assert Addresses().of({"client": ("203.0.113.7", 1), "headers": [(b"x-forwarded-for", b"")]}) == "203.0.113.7"

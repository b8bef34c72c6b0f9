"""Google's answers, read: what they must hold, and what they may hold besides."""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.google_api import parse
from sync.google_api.parse import UNREADABLE, CalendarPage
from sync.google_api.replies import ChannelReply, IdClaims, Page, Tokens
from tests.sync.deadlines import patient

CLIENT = "client-1"


def an_id_token(**claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"head.{payload}.signature"


def read_tokens(fields: Mapping[str, object]) -> Tokens:
    tokens = parse.tokens({"access_token": "a", "expires_in": 3599, **fields}, CLIENT)
    assert isinstance(tokens, Tokens)
    return tokens


def test_a_page_is_read_with_its_tokens() -> None:
    body = {"items": [{"id": "a"}], "nextPageToken": "p", "timeZone": "Europe/Oslo", "kind": "calendar#events"}
    assert parse.page(body) == Page(({"id": "a"},), next_page="p", time_zone="Europe/Oslo")
    assert parse.page({"nextSyncToken": "t"}) == Page((), None, "t")


@pytest.mark.parametrize("items", [None, "x", [1], [{}], [{"id": ""}]])
def test_half_a_page_is_no_page(items: object) -> None:
    assert parse.page({"items": items}) == UNREADABLE
    assert parse.calendars({"items": items}) == UNREADABLE


def test_a_calendar_taken_off_the_list_is_not_listed() -> None:
    read = parse.calendars({"items": [{"id": "a"}, {"id": "b", "deleted": True}], "nextPageToken": "p"})
    assert isinstance(read, CalendarPage)
    assert ([calendar.google_id for calendar in read.items], read.next_page) == (["a"], "p")


@pytest.mark.parametrize("expiration", ["1796000000000", 1796000000000])
def test_a_channel_ends_when_google_says(expiration: object) -> None:
    ends = datetime.fromtimestamp(1_796_000_000, UTC)
    assert parse.channel({"resourceId": "r", "expiration": expiration}) == ChannelReply("r", ends)


def test_a_channel_may_leave_its_end_open() -> None:
    assert parse.channel({"resourceId": "r"}) == ChannelReply("r", None)
    assert parse.channel({"expiration": "1"}) == UNREADABLE


def test_tokens_are_read_without_minding_fields_nobody_knows() -> None:
    told = {"refresh_token": "r", "scope": "openid email", "refresh_token_expires_in": 604799, "moon": "full"}
    tokens = read_tokens(told)
    assert (tokens.refresh, tokens.scopes) == ("r", frozenset({"openid", "email"}))


def test_tokens_may_say_nothing_about_scopes() -> None:
    assert read_tokens({}).scopes == frozenset()


@pytest.mark.parametrize(
    "body", [{}, {"access_token": "a"}, {"expires_in": 1}, {"access_token": "a", "expires_in": "x"}]
)
def test_half_a_token_is_no_token(body: dict[str, Any]) -> None:
    assert parse.tokens(body, CLIENT) == UNREADABLE


@pytest.mark.parametrize("audience", [CLIENT, ["other", CLIENT]])
def test_an_id_token_says_who_signed_in(audience: object) -> None:
    token = an_id_token(sub="117", email="anna@example.com", aud=audience)
    assert read_tokens({"id_token": token}).id_claims == IdClaims("117", "anna@example.com")


@pytest.mark.parametrize(
    "token",
    [
        None,
        "",
        "one",
        "a.b.c",
        "a.!!!.c",
        an_id_token(sub="117", email="anna@example.com", aud="somebody-else"),
        an_id_token(email="anna@example.com", aud=CLIENT),
        "a." + base64.urlsafe_b64encode(b"[1]").decode() + ".c",
    ],
)
def test_an_id_token_that_is_not_for_us_or_not_one_says_nothing(token: str | None) -> None:
    assert read_tokens({"id_token": token}).id_claims is None


def test_an_account_without_an_address_goes_by_its_number() -> None:
    assert parse.id_claims({"sub": "117"}) == IdClaims("117", "117")


FIELDS = [
    "id", "items", "nextPageToken", "nextSyncToken", "timeZone", "resourceId", "expiration", "access_token",
    "expires_in", "scope", "id_token", "sub", "email", "accessRole", "summary", "primary", "deleted",
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner),
    max_leaves=15,
)
READERS: list[Callable[[Mapping[str, Any]], object]] = [
    parse.page,
    parse.event,
    parse.calendars,
    parse.channel,
    parse.id_claims,
    parse.done,
    lambda body: parse.tokens(body, CLIENT),
]


@patient
@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_no_answer_is_too_strange_to_be_read_or_refused(body: dict[str, Any]) -> None:
    for read in READERS:
        read(body)

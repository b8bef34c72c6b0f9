"""Signing in, as the client does it, against a server that says whatever a test puts into its mouth."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.responses import JSONResponse

from sync.google_api.client import NO_REFRESH_TOKEN, NOT_SET_UP, GoogleClient
from sync.google_api.replies import Done, Failure, FailureKind, IdClaims, Tokens
from tests.sync.scripted_server import Mouth, speaking

CALLBACK = "http://127.0.0.1:8000/google/callback?from=google&x=1"


@pytest.fixture(scope="module")
async def open_mouth() -> AsyncIterator[Mouth]:
    async with speaking() as mouth:
        yield mouth


@pytest.fixture
def mouth(open_mouth: Mouth) -> Mouth:
    """The one server of this module, with nothing to say and nothing heard."""
    open_mouth.answers.clear()
    open_mouth.heard.clear()
    return open_mouth


@pytest.fixture
async def client(mouth: Mouth) -> AsyncIterator[GoogleClient]:
    async with GoogleClient("id", "secret", mouth.origin, CALLBACK) as client:
        yield client


async def test_a_consent_page_is_asked_for_what_we_need(client: GoogleClient, mouth: Mouth) -> None:
    url = await client.authorization_url("state&1", "challenge", "anna@example.com")
    assert isinstance(url, str)
    address = urlsplit(url)
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{mouth.origin}/oauth/authorization_endpoint"
    assert parse_qs(address.query) == {
        "client_id": ["id"],
        "redirect_uri": [CALLBACK],
        "response_type": ["code"],
        "scope": [
            "openid email https://www.googleapis.com/auth/calendar.events "
            "https://www.googleapis.com/auth/calendar.calendarlist.readonly"
        ],
        "access_type": ["offline"],
        "prompt": ["consent"],
        "state": ["state&1"],
        "code_challenge": ["challenge"],
        "code_challenge_method": ["S256"],
        "login_hint": ["anna@example.com"],
    }


async def test_without_an_origin_the_consent_page_is_googles_own() -> None:
    async with GoogleClient("id", "secret", None, CALLBACK) as client:
        url = await client.authorization_url("state", "challenge")
    assert isinstance(url, str)
    assert url.startswith("https://accounts.google.com/o/oauth2/v2/auth?client_id=id&")


@pytest.mark.parametrize(("client_id", "client_secret"), [(None, None), ("id", None), ("", "secret")])
async def test_without_an_oauth_client_signing_in_is_not_set_up(
    client_id: str | None, client_secret: str | None
) -> None:
    async with GoogleClient(client_id, client_secret, None, CALLBACK) as client:
        assert await client.authorization_url("state", "challenge") == NOT_SET_UP
        assert await client.exchange("code", "verifier") == NOT_SET_UP
        assert await client.refresh("rt") == NOT_SET_UP
        assert await client.revoke("rt") == NOT_SET_UP


def an_id_token() -> str:
    claims = json.dumps({"sub": "117", "email": "anna@example.com", "aud": "id"}).encode()
    return f"h.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.s"


GRANTED: dict[str, Any] = {
    "access_token": "at",
    "expires_in": 3599,
    "refresh_token": "rt",
    "refresh_token_expires_in": 604799,
    "scope": "openid https://www.googleapis.com/auth/calendar.events",
    "token_type": "Bearer",
    "a_field_of_next_year": {"x": 1},
}
ANNA = IdClaims("117", "anna@example.com")
SCOPES = frozenset({"openid", "https://www.googleapis.com/auth/calendar.events"})


async def test_a_code_is_exchanged_with_its_verifier(client: GoogleClient, mouth: Mouth) -> None:
    mouth.say({**GRANTED, "id_token": an_id_token()})
    assert await client.exchange("4/code", "verifier") == Tokens("at", "rt", 3599, SCOPES, ANNA)
    (heard,) = mouth.heard
    assert heard["path"] == "/oauth/token_endpoint"
    assert parse_qs(heard["body"]) == {
        "grant_type": ["authorization_code"],
        "code": ["4/code"],
        "code_verifier": ["verifier"],
        "redirect_uri": [CALLBACK],
        "client_id": ["id"],
        "client_secret": ["secret"],
    }


async def test_an_identity_left_out_is_asked_for(client: GoogleClient, mouth: Mouth) -> None:
    mouth.say(GRANTED, {"sub": "117", "email": "anna@example.com"})
    assert await client.exchange("4/code", "verifier") == Tokens("at", "rt", 3599, SCOPES, ANNA)
    assert mouth.heard[1]["path"] == "/oauth/userinfo_endpoint"
    assert mouth.heard[1]["headers"]["authorization"] == "Bearer at"


async def test_an_exchange_without_a_lasting_permission_is_none(client: GoogleClient, mouth: Mouth) -> None:
    mouth.say({key: value for key, value in GRANTED.items() if key != "refresh_token"})
    assert await client.exchange("4/code", "verifier") == NO_REFRESH_TOKEN


async def test_a_refresh_may_leave_out_scopes_and_the_refresh_token(client: GoogleClient, mouth: Mouth) -> None:
    mouth.say({"access_token": "at2", "expires_in": 3599, "token_type": "Bearer"})
    assert await client.refresh("rt") == Tokens("at2", None, 3599, frozenset())


async def test_a_dead_grant_and_a_wrong_secret_are_told_apart(client: GoogleClient, mouth: Mouth) -> None:
    mouth.say(
        JSONResponse({"error": "invalid_grant", "error_description": "Token has been expired or revoked."}, 400),
        JSONResponse({"error": "invalid_client", "error_description": "Unauthorized"}, 401),
    )
    dead, misconfigured = await client.refresh("rt"), await client.refresh("rt")
    assert dead == Failure(FailureKind.RECONNECT, "invalid_grant", "Token has been expired or revoked.")
    assert misconfigured == Failure(FailureKind.MISCONFIGURED, "invalid_client", "Unauthorized")


async def test_revoking_what_has_ended_is_done(client: GoogleClient, mouth: Mouth) -> None:
    mouth.say({}, JSONResponse({"error": "invalid_token", "error_description": "Token expired or revoked"}, 400))
    assert await client.revoke("rt") == Done()
    assert await client.revoke("rt") == Done()
    assert parse_qs(mouth.heard[0]["body"]) == {"token": ["rt"]}

"""Consent, tokens and how they die, by the numbers of Google's rules §5."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
import pytest

from sync.sandbox.accounts.accounts import OAuthClient
from sync.sandbox.accounts.grants import REFRESH_TOKENS_MAX
from sync.sandbox.app import sandbox_app
from sync.sandbox.callers import PREFIX
from sync.sandbox.state import SandboxGoogle
from tests.sync.sandbox.sandbox_client import (
    ANNA,
    BEN,
    CALENDAR_LIST,
    CALLBACK,
    CLIENT,
    EVENTS,
    SCOPES,
    Clock,
    Json,
    bearer,
    error_of,
)

AUTHORIZE = "/o/oauth2/v2/auth"
VERIFIER = "a-verifier-of-forty-three-characters-or-more-000"
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
LONG_SCOPES = {"openid", f"{PREFIX}userinfo.email", EVENTS, CALENDAR_LIST}


def request_for(**params: str) -> str:
    """Where an application sends a person."""
    asked = {
        "client_id": CLIENT["client_id"],
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": SCOPES,
        "state": "state-1",
        "access_type": "offline",
        "prompt": "consent",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return f"{AUTHORIZE}?{urlencode({name: value for name, value in (asked | params).items() if value})}"


async def clicked(
    web: httpx2.AsyncClient,
    *,
    decision: str = "allow",
    account: str = ANNA,
    email: str = "",
    tick: tuple[str, ...] = (EVENTS, CALENDAR_LIST),
    params: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """What comes back to the application when a person has decided."""
    form = {"decision": decision, "account": account, "email": email, "scope": list(tick)}
    answer = await web.post(request_for(**params), data=form)
    assert answer.status_code == 302, answer.text
    where = urlsplit(answer.headers["location"])
    assert f"{where.scheme}://{where.netloc}{where.path}" == params.get("redirect_uri", CALLBACK)
    return dict(parse_qsl(where.query))


async def exchanged(web: httpx2.AsyncClient, code: str, **changes: str) -> httpx2.Response:
    fields = CLIENT | {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    return await web.post("/token", data={name: value for name, value in (fields | changes).items() if value})


async def granted(web: httpx2.AsyncClient, account: str = ANNA, **params: str) -> Json:
    """The whole way: consent, code, tokens."""
    back = await clicked(web, account=account, params=params)
    answer = await exchanged(web, back["code"])
    assert answer.status_code == 200, answer.text
    tokens: Json = answer.json()
    return tokens


async def refreshed(web: httpx2.AsyncClient, token: str, **changes: str) -> httpx2.Response:
    fields = CLIENT | {"grant_type": "refresh_token", "refresh_token": token}
    return await web.post("/token", data=fields | changes)


async def calendars(web: httpx2.AsyncClient, access_token: str) -> httpx2.Response:
    return await web.get("/calendar/v3/users/me/calendarList", headers={"Authorization": f"Bearer {access_token}"})


def claims_of(id_token: str) -> Json:
    body = id_token.split(".")[1]
    claims: Json = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims


async def test_discovery_names_every_endpoint_on_this_origin(web: httpx2.AsyncClient) -> None:
    """§5.1"""
    found = (await web.get("/.well-known/openid-configuration")).json()
    origin = "http://google.test"
    assert found["issuer"] == origin
    assert found["authorization_endpoint"] == f"{origin}{AUTHORIZE}"
    assert found["token_endpoint"] == f"{origin}/token"
    assert found["revocation_endpoint"] == f"{origin}/revoke"
    assert found["userinfo_endpoint"] == f"{origin}/userinfo"
    assert found["code_challenge_methods_supported"] == ["plain", "S256"]


async def test_the_page_shows_the_accounts_and_a_box_for_each_scope(web: httpx2.AsyncClient) -> None:
    """§5.2, §5.6"""
    page = (await web.get(request_for())).text
    assert f'name="account" value="{ANNA}" checked' in page
    assert f'name="account" value="{BEN}"' in page
    for scope in (EVENTS, CALENDAR_LIST):
        assert f'name="scope" value="{scope}" checked' in page
    assert 'value="openid"' not in page
    hinted = (await web.get(request_for(login_hint=BEN))).text
    assert f'name="account" value="{BEN}" checked' in hinted


async def test_consent_ends_in_tokens_and_an_identity(web: httpx2.AsyncClient, google: SandboxGoogle) -> None:
    """§5.2, §5.3"""
    back = await clicked(web, params={"nonce": "nonce-1"})
    assert back["state"] == "state-1"
    answer = await exchanged(web, back["code"])
    tokens = answer.json()
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 3599)
    assert set(tokens["scope"].split()) == LONG_SCOPES
    assert "refresh_token_expires_in" not in tokens
    assert answer.headers["cache-control"].startswith("no-cache, no-store")
    claims = claims_of(tokens["id_token"])
    now = int(google.now().timestamp())
    assert claims == {
        "iss": "http://google.test",
        "aud": CLIENT["client_id"],
        "azp": CLIENT["client_id"],
        "sub": google.accounts[ANNA].sub,
        "email": ANNA,
        "email_verified": True,
        "name": "Anna",
        "nonce": "nonce-1",
        "iat": now,
        "exp": now + 3600,
    }
    assert (await calendars(web, tokens["access_token"])).status_code == 200
    who = await web.get("/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert who.json() == {"sub": claims["sub"], "email": ANNA, "email_verified": True, "name": "Anna"}


async def test_scopes_are_answered_by_their_long_names(web: httpx2.AsyncClient) -> None:
    """`email` comes back as a URL, with `openid` beside it."""
    tokens = await granted(web, scope=f"email {EVENTS}")
    assert set(tokens["scope"].split()) == {"openid", f"{PREFIX}userinfo.email", EVENTS}


@pytest.mark.parametrize("redirect_uri", [f"{CALLBACK}/", f"{CALLBACK}?x=1", "https://evil.example/google/callback"])
async def test_an_address_that_is_not_registered_is_never_redirected_to(
    web: httpx2.AsyncClient, redirect_uri: str
) -> None:
    """§5.2"""
    for answer in (
        await web.get(request_for(redirect_uri=redirect_uri)),
        await web.post(request_for(redirect_uri=redirect_uri), data={"decision": "allow", "account": ANNA}),
    ):
        assert answer.status_code == 400
        assert "redirect_uri_mismatch" in answer.text


@pytest.mark.parametrize("redirect_uri", ["http://127.0.0.1:49152/google/callback", "http://localhost/google/callback"])
async def test_the_demo_may_come_back_on_any_port(web: httpx2.AsyncClient, redirect_uri: str) -> None:
    back = await clicked(web, params={"redirect_uri": redirect_uri})
    answer = await exchanged(web, back["code"], redirect_uri=redirect_uri)
    assert answer.status_code == 200


async def test_a_registered_address_is_compared_exactly() -> None:
    """§5.2"""
    client = OAuthClient("id", "secret", ("https://app.example/google/callback",))
    assert client.accepts("https://app.example/google/callback")
    assert not client.accepts("https://app.example/google/callback/")
    assert not client.accepts("https://app.example:443/google/callback")
    assert not client.accepts("http://127.0.0.1:8000/google/callback")


@pytest.mark.parametrize(
    ("params", "word"),
    [
        ({"client_id": "nobody"}, "invalid_client"),
        ({"response_type": "token"}, "invalid_request"),
        ({"scope": ""}, "invalid_request"),
        ({"code_challenge_method": "S512"}, "invalid_request"),
    ],
)
async def test_a_request_that_makes_no_sense_gets_a_page(
    web: httpx2.AsyncClient, params: dict[str, str], word: str
) -> None:
    """§5.2"""
    answer = await web.get(request_for(**params))
    assert (answer.status_code, word in answer.text) == (400, True)


async def test_a_refresh_token_comes_with_the_first_consent_or_a_prompted_one(web: httpx2.AsyncClient) -> None:
    """§5.2"""
    online = await granted(web, account=BEN, access_type="online")
    assert "refresh_token" not in online
    first = await granted(web, prompt="")
    assert "refresh_token" in first
    second = await granted(web, prompt="select_account")
    assert "refresh_token" not in second
    prompted = await granted(web, prompt="select_account consent")
    assert "refresh_token" in prompted


async def test_cancelling_comes_back_as_access_denied(web: httpx2.AsyncClient) -> None:
    """§5.2"""
    assert await clicked(web, decision="cancel") == {"state": "state-1", "error": "access_denied"}


@pytest.mark.parametrize("marked", ["other", ANNA])
async def test_an_address_that_is_typed_becomes_an_account(
    web: httpx2.AsyncClient, google: SandboxGoogle, marked: str
) -> None:
    back = await clicked(web, account=marked, email=" Carla@Example.com ")
    tokens = (await exchanged(web, back["code"])).json()
    assert claims_of(tokens["id_token"])["email"] == "carla@example.com"
    (calendar,) = google.calendars_of("carla@example.com")
    assert (calendar.id, calendar.primary) == ("carla@example.com", True)
    nonsense = await web.post(request_for(), data={"decision": "allow", "account": "other", "email": "carla"})
    assert nonsense.status_code == 400


@pytest.mark.parametrize("verifier", ["", "another-verifier"])
async def test_a_code_needs_the_verifier_of_its_challenge(web: httpx2.AsyncClient, verifier: str) -> None:
    """§5.2"""
    back = await clicked(web)
    answer = await exchanged(web, back["code"], code_verifier=verifier)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_a_code_works_once_and_for_ten_minutes(web: httpx2.AsyncClient, clock: Clock) -> None:
    """§5.2"""
    back = await clicked(web)
    assert (await exchanged(web, back["code"])).status_code == 200
    again = await exchanged(web, back["code"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    late = await clicked(web)
    clock.turn(minutes=10)
    assert (await exchanged(web, late["code"])).json()["error"] == "invalid_grant"


async def test_a_code_is_bound_to_the_address_it_was_sent_to(web: httpx2.AsyncClient) -> None:
    """§5.2"""
    back = await clicked(web)
    answer = await exchanged(web, back["code"], redirect_uri="http://127.0.0.1:9999/google/callback")
    assert (answer.status_code, answer.json()["error"]) == (400, "redirect_uri_mismatch")


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"refresh_token": "1//unknown"}, 400, "invalid_grant"),
    ],
)
async def test_the_token_endpoint_says_what_is_wrong_in_a_word(
    web: httpx2.AsyncClient, change: dict[str, str], status: int, error: str
) -> None:
    """§5.4, §6.5"""
    tokens = await granted(web)
    answer = await refreshed(web, tokens["refresh_token"], **change)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]


async def test_a_refresh_token_does_not_rotate(web: httpx2.AsyncClient, clock: Clock) -> None:
    """§5.3"""
    tokens = await granted(web)
    for _ in range(2):
        clock.turn(hours=1)
        again = (await refreshed(web, tokens["refresh_token"])).json()
        assert "refresh_token" not in again
        assert again["scope"] == tokens["scope"]
        assert (await calendars(web, again["access_token"])).status_code == 200


async def test_an_access_token_lives_an_hour(web: httpx2.AsyncClient, clock: Clock) -> None:
    """§3.10, §5.3"""
    tokens = await granted(web)
    clock.turn(seconds=3598)
    assert (await calendars(web, tokens["access_token"])).status_code == 200
    clock.turn(seconds=1)
    answer = await calendars(web, tokens["access_token"])
    assert error_of(answer) == (401, "global", "authError")
    assert answer.json()["error"]["errors"][0]["location"] == "Authorization"


async def test_without_a_token_a_login_is_required(web: httpx2.AsyncClient) -> None:
    """§3.10"""
    assert error_of(await web.get("/calendar/v3/users/me/calendarList")) == (401, "global", "required")
    assert error_of(await calendars(web, "nonsense")) == (401, "global", "authError")


async def test_in_testing_mode_a_refresh_token_dies_after_a_week(clock: Clock) -> None:
    """§5.3, §5.4"""
    google = SandboxGoogle(now=clock, refresh_seconds=604_800)
    google.seed_demo()
    transport = httpx2.ASGITransport(app=sandbox_app(google))
    async with httpx2.AsyncClient(transport=transport, base_url="http://google.test") as web:
        tokens = await granted(web)
        assert tokens["refresh_token_expires_in"] == 604_800
        clock.turn(days=6)
        assert (await refreshed(web, tokens["refresh_token"])).status_code == 200
        clock.turn(days=1)
        answer = await refreshed(web, tokens["refresh_token"])
        assert (answer.status_code, answer.json()) == (
            400,
            {"error": "invalid_grant", "error_description": "Token has been expired or revoked."},
        )


async def test_the_hundred_and_first_refresh_token_kills_the_oldest(web: httpx2.AsyncClient) -> None:
    """§5.4"""
    held = [(await granted(web))["refresh_token"] for _ in range(REFRESH_TOKENS_MAX)]
    bens = (await granted(web, account=BEN))["refresh_token"]
    assert (await refreshed(web, held[0])).status_code == 200
    held.append((await granted(web))["refresh_token"])
    assert (await refreshed(web, held[0])).json()["error"] == "invalid_grant"
    for token in (held[1], held[-1], bens):
        assert (await refreshed(web, token)).status_code == 200


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_revoking_one_token_ends_the_whole_authorisation(web: httpx2.AsyncClient, kind: str) -> None:
    """§5.5"""
    first, second = await granted(web), await granted(web)
    bens = await granted(web, account=BEN)
    assert (await web.post("/revoke", data={"token": first[kind]})).status_code == 200
    assert error_of(await calendars(web, second["access_token"])) == (401, "global", "authError")
    assert (await refreshed(web, second["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await refreshed(web, bens["refresh_token"])).status_code == 200
    again = await web.post("/revoke", data={"token": first[kind]})
    assert (again.status_code, again.json()["error"]) == (400, "invalid_token")


async def test_after_a_revocation_the_next_consent_is_a_first_one(
    web: httpx2.AsyncClient, google: SandboxGoogle
) -> None:
    """§5.2, §5.5"""
    await granted(web)
    google.revoke(ANNA)
    assert "refresh_token" in await granted(web, prompt="")


async def test_a_box_that_is_not_ticked_is_not_granted(web: httpx2.AsyncClient) -> None:
    """§5.6"""
    back = await clicked(web, tick=(EVENTS,))
    tokens = (await exchanged(web, back["code"])).json()
    assert set(tokens["scope"].split()) == LONG_SCOPES - {CALENDAR_LIST}
    assert error_of(await calendars(web, tokens["access_token"])) == (403, "global", "insufficientPermissions")


@pytest.mark.parametrize(
    ("scopes", "method", "path", "status"),
    [
        (EVENTS, "GET", f"/calendars/{ANNA}/events", 200),
        (EVENTS, "GET", "/users/me/calendarList", 403),
        (CALENDAR_LIST, "GET", "/users/me/calendarList", 200),
        (CALENDAR_LIST, "GET", f"/calendars/{ANNA}/events", 403),
        (f"{PREFIX}calendar.events.readonly", "GET", f"/calendars/{ANNA}/events", 200),
        (f"{PREFIX}calendar.events.readonly", "POST", f"/calendars/{ANNA}/events", 403),
        (f"{PREFIX}calendar.events.readonly", "DELETE", f"/calendars/{ANNA}/events/abcde", 403),
        (f"{PREFIX}calendar", "GET", "/users/me/calendarList", 200),
    ],
)
async def test_each_method_asks_for_its_scope(
    web: httpx2.AsyncClient, google: SandboxGoogle, scopes: str, method: str, path: str, status: int
) -> None:
    """§5.7"""
    answer = await web.request(method, f"/calendar/v3{path}", headers=bearer(google, scopes=scopes))
    assert answer.status_code == status
    if status == 403:
        assert error_of(answer)[2] == "insufficientPermissions"

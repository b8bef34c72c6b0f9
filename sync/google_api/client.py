"""The client: makes single calls to Google. Only this module imports aiogoogle.

It returns answers as values of `replies`, and every way in which a call can go wrong as a Failure. It stores no tokens
and repeats no call; `tokens`, `session` and `retry` do. It builds requests from `calendar.v3.json`, Google's discovery
document, revision 20261030, as google-api-python-client 2.202.0 ships it.

It uses aiogoogle's requests, their builder and its session, but not `Aiogoogle.as_user`: that refreshes tokens by
itself, once for each call under way, and loses the result; its token parser fails on fields that it does not know, and
its errors fail on an answer without a reason phrase.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.resources import files
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlencode

import aiohttp
from aiogoogle.auth.data import WELLKNOWN_OPENID_CONFIGS
from aiogoogle.models import Request
from aiogoogle.resource import GoogleAPI
from aiogoogle.sessions.aiohttp_session import AiohttpSession

from sync.google_api import failures, parse, scopes
from sync.google_api.replies import (
    CalendarList,
    ChannelReply,
    Done,
    EventReply,
    Failure,
    FailureKind,
    ListedCalendar,
    Page,
    Tokens,
)

Answer = TypeVar("Answer")

TIMEOUT: Final = aiohttp.ClientTimeout(total=20, connect=5)

NOT_SET_UP: Final = Failure(
    FailureKind.MISCONFIGURED,
    "not_set_up",
    "Google sign-in is not set up here: the OAuth client's id and secret are missing.",
)
NO_REFRESH_TOKEN: Final = Failure(
    FailureKind.RECONNECT, "no_refresh_token", "Google gave no lasting permission: sign in again and accept everything."
)

_REVOKED_BEFORE: Final = frozenset({"invalid_token", "invalid_grant"})

# aiogoogle leaves these two without types.
_session: Callable[..., Any] = AiohttpSession
_api: Callable[..., Any] = GoogleAPI

# Ids in a path: aiogoogle shall escape a slash in them.
_WHOLE: Final[Mapping[str, str]] = {"calendarId": "", "eventId": ""}


class GoogleClient:
    """An async context manager; each process has one. Any number of tasks may use it at once.

    No method raises for what Google or the network does: each returns a reply or a Failure.
    """

    def __init__(
        self,
        client_id: str | None,
        client_secret: str | None,
        origin: str | None,
        redirect_uri: str,
        timeout: aiohttp.ClientTimeout = TIMEOUT,
    ) -> None:
        """With `origin` (no slash at its end), calls that server instead of Google's."""
        self._client_id = client_id or ""
        self._client_secret = client_secret or ""
        self._origin = origin
        self._redirect_uri = redirect_uri
        self._timeout = timeout
        self._endpoints: Mapping[str, Any] | None = None if origin else WELLKNOWN_OPENID_CONFIGS
        self._api = _calendar_api(origin)
        self._session: Any = None

    async def __aenter__(self) -> Self:
        # Accounts share the session: a cookie of one must not go out with another's calls.
        self._session = _session(cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()
        self._session = None

    async def authorization_url(self, state: str, challenge: str, login_hint: str | None = None) -> str | Failure:
        """Returns the address of the consent page. `challenge` is that of PKCE, by S256.

        Asks for offline access and for consent, since Google gives a refresh token only for both.
        """
        endpoint = await self._endpoint("authorization_endpoint")
        if isinstance(endpoint, Failure):
            return endpoint
        query = {
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "response_type": "code",
            "scope": " ".join(scopes.ASKED),
            "access_type": "offline",
            "prompt": "consent" if login_hint else "consent select_account",
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{endpoint}?{urlencode(query | ({'login_hint': login_hint} if login_hint else {}))}"

    async def exchange(self, code: str, verifier: str) -> Tokens | Failure:
        """Exchanges a code for tokens, with `refresh` and `id_claims` set. RECONNECT when Google rejects the code."""
        tokens = await self._token(
            grant_type="authorization_code", code=code, code_verifier=verifier, redirect_uri=self._redirect_uri
        )
        if isinstance(tokens, Failure):
            return tokens
        if tokens.refresh is None:
            return NO_REFRESH_TOKEN
        return tokens if tokens.id_claims else await self._with_identity(tokens)

    async def refresh(self, refresh_token: str) -> Tokens | Failure:
        """Gets a new access token. RECONNECT when the grant is dead."""
        return await self._token(grant_type="refresh_token", refresh_token=refresh_token)

    async def revoke(self, refresh_token: str) -> Done | Failure:
        """Revokes the grant, for every business that uses it. Done also when it was revoked before."""
        endpoint = await self._endpoint("revocation_endpoint")
        if isinstance(endpoint, Failure):
            return endpoint
        answer = await self._send(Request("POST", endpoint, data={"token": refresh_token}), None, parse.done)
        return Done() if isinstance(answer, Failure) and answer.code in _REVOKED_BEFORE else answer

    async def calendars(self, access: str) -> CalendarList | Failure:
        """Lists every calendar that the account can see, hidden ones included."""
        found: tuple[ListedCalendar, ...] = ()
        page_token: str | None = None
        while True:
            request = self._api.calendarList.list(maxResults=250, showHidden="true", pageToken=page_token)
            page = await self._send(request, access, parse.calendars)
            if isinstance(page, Failure):
                return page
            found, page_token = found + page.items, page.next_page
            if page_token is None:
                return CalendarList(found)

    async def list_events(self, access: str, calendar_id: str, query: Mapping[str, str]) -> Page | Failure:
        """Gets one page of events; the query spells booleans "true" and "false"."""
        return await self._send(self._events("list", calendar_id, **query), access, parse.page)

    async def instances(self, access: str, calendar_id: str, event_id: str, query: Mapping[str, str]) -> Page | Failure:
        """Gets one page of the occurrences of a recurring event."""
        request = self._events("instances", calendar_id, eventId=event_id, **query)
        return await self._send(request, access, parse.page)

    async def get(self, access: str, calendar_id: str, event_id: str) -> EventReply | Failure:
        """Gets one event, also a cancelled one."""
        return await self._send(self._events("get", calendar_id, eventId=event_id), access, parse.event)

    async def insert(
        self, access: str, calendar_id: str, event_id: str, body: Mapping[str, Any]
    ) -> EventReply | Failure:
        """Inserts an event under an id of ours; invites nobody. DUPLICATE when any event has the id, even deleted."""
        request = self._events("insert", calendar_id, sendUpdates="none", json={**body, "id": event_id})
        return await self._send(request, access, parse.event)

    async def update(
        self, access: str, calendar_id: str, event_id: str, body: Mapping[str, Any]
    ) -> EventReply | Failure:
        """Replaces the whole event: Google clears fields that the body leaves out. Invites nobody."""
        request = self._events("update", calendar_id, eventId=event_id, sendUpdates="none", json=dict(body))
        return await self._send(request, access, parse.event)

    async def delete(self, access: str, calendar_id: str, event_id: str) -> Done | Failure:
        """Deletes an event. NOT_FOUND or GONE when there is none, or none any more."""
        request = self._events("delete", calendar_id, eventId=event_id, sendUpdates="none")
        return await self._send(request, access, parse.done)

    async def watch(
        self, access: str, calendar_id: str, channel_id: str, address: str, token: str, ttl: int
    ) -> ChannelReply | Failure:
        """Opens a push channel for at most `ttl` seconds. Its first notification may come before the answer."""
        channel = {
            "id": channel_id,
            "type": "web_hook",
            "address": address,
            "token": token,
            "params": {"ttl": str(ttl)},
        }
        return await self._send(self._events("watch", calendar_id, json=channel), access, parse.channel)

    async def stop(self, access: str, channel_id: str, resource_id: str) -> Done | Failure:
        """Stops a push channel. Done also when it had ended before."""
        request = self._api.channels.stop(json={"id": channel_id, "resourceId": resource_id})
        answer = await self._send(request, access, parse.done)
        return Done() if isinstance(answer, Failure) and answer.kind is FailureKind.NOT_FOUND else answer

    def _events(self, method: str, calendar_id: str, **parameters: Any) -> Request:
        build: Callable[..., Request] = getattr(self._api.events, method)
        return build(calendarId=calendar_id, path_params_safe_chars=_WHOLE, **parameters)

    async def _token(self, **form: str) -> Tokens | Failure:
        endpoint = await self._endpoint("token_endpoint")
        if isinstance(endpoint, Failure):
            return endpoint
        form |= {"client_id": self._client_id, "client_secret": self._client_secret}
        request = Request("POST", endpoint, data=form)
        return await self._send(request, None, lambda body: parse.tokens(body, self._client_id))

    async def _with_identity(self, tokens: Tokens) -> Tokens | Failure:
        """Adds the identity to tokens, when the token endpoint left it out."""
        endpoint = await self._endpoint("userinfo_endpoint")
        if isinstance(endpoint, Failure):
            return endpoint
        claims = await self._send(Request("GET", endpoint), tokens.access, parse.id_claims)
        return claims if isinstance(claims, Failure) else replace(tokens, id_claims=claims)

    async def _endpoint(self, name: str) -> str | Failure:
        """Returns the address of an OAuth endpoint. Asks another origin than Google's for its addresses once."""
        if not self._client_id or not self._client_secret:
            return NOT_SET_UP
        if self._endpoints is None:
            request = Request("GET", f"{self._origin}/.well-known/openid-configuration")
            answer = await self._send(request, None, dict)
            if isinstance(answer, Failure):
                return answer
            self._endpoints = answer
        return str(self._endpoints[name]) if name in self._endpoints else parse.UNREADABLE

    async def _send(
        self, request: Any, access: str | None, read: Callable[[Mapping[str, Any]], Answer | Failure]
    ) -> Answer | Failure:
        """Sends one request and reads its answer; treats an empty answer as one without fields."""
        if access is not None:
            request.headers["Authorization"] = f"Bearer {access}"
        # aiogoogle overrides the session's timeout with the request's own, so each request needs one.
        request.timeout = self._timeout
        try:
            response = await self._session.send(request, full_res=True, raise_for_status=False)
        except TimeoutError:
            return Failure(FailureKind.RETRY, "timeout", "Google did not answer in time.")
        except (aiohttp.ClientError, OSError) as error:
            return Failure(FailureKind.RETRY, "unreachable", f"Google could not be reached ({type(error).__name__}).")
        except (ValueError, LookupError):
            return parse.UNREADABLE
        if response.status_code >= 400:
            return failures.classify(response.status_code, response.json, response.headers)
        body = {} if response.json is None and not response.data else response.json
        return read(body) if isinstance(body, Mapping) else parse.UNREADABLE


def _calendar_api(origin: str | None) -> Any:
    """Makes the builder of requests from the discovery document. Sends nothing."""
    document = json.loads(files("sync").joinpath("calendar.v3.json").read_text("utf-8"))
    return _api(document if origin is None else {**document, "rootUrl": f"{origin}/"})

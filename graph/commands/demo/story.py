"""Connects an option to Google as a person does: over the API, through the consent page, and back."""

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import aiohttp

from graph.relay.nodes import to_id

_START = """mutation($input: StartGoogleSignInInput!) {
  startGoogleSignIn(input: $input) { authorizationUrl errors { message } } }"""
_COMPLETE = """mutation($input: CompleteGoogleSignInInput!) {
  completeGoogleSignIn(input: $input) { option { id } errors { message } } }"""
_LINK = """mutation($input: LinkGoogleCalendarInput!) {
  linkGoogleCalendar(input: $input) { option { id } errors { message } } }"""
_SCOPE = re.compile(r'name="scope"[^>]*value="([^"]+)"|value="([^"]+)"[^>]*name="scope"')


async def connect(origin: str, admin_key: str, option_id: UUID, *, account: str, calendar: str) -> None:
    """Signs in with Google for an option, grants everything, and links the calendar."""
    async with aiohttp.ClientSession() as http:

        async def ask(document: str, **given: Any) -> dict[str, Any]:
            body = {"query": document, "variables": {"input": given}}
            headers = {"Authorization": f"Bearer {admin_key}"}
            async with http.post(f"{origin}/graphql", json=body, headers=headers) as reply:
                (answer,) = (await reply.json())["data"].values()
            if answer["errors"]:
                raise RuntimeError(answer["errors"])
            found: dict[str, Any] = answer
            return found

        option = to_id("Option", option_id)
        started = await ask(_START, optionId=option, returnTo=f"{origin}/graphql")
        back = await _consent(http, started["authorizationUrl"], account)
        await ask(_COMPLETE, ticket=parse_qs(urlsplit(back).query)["google_ticket"][0])
        await ask(_LINK, optionId=option, calendarId=calendar)


async def _consent(http: aiohttp.ClientSession, address: str, account: str) -> str:
    """Submits the consent page with every box ticked. Returns the address that the person is redirected to."""
    async with http.get(address) as page:
        boxes = [unescape(one or other) for one, other in _SCOPE.findall(await page.text())]
    fields = [("account", "other"), ("email", account), ("decision", "allow"), *(("scope", box) for box in boxes)]
    async with http.post(address, data=fields, allow_redirects=False) as answer:
        callback = answer.headers["Location"]
    async with http.get(callback, allow_redirects=False) as answer:
        return answer.headers["Location"]

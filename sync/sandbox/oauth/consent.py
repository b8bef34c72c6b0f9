"""The consent page: choose an account, tick what the application may do, allow or cancel (§5.2, §5.6).

Owns the HTML and the words for scopes. Decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from sync.sandbox.accounts.accounts import Account, OAuthClient
from sync.sandbox.accounts.grants import SIGN_IN_SCOPES
from sync.sandbox.frame import document, text

WORDS = {
    "https://www.googleapis.com/auth/calendar": (
        "See, edit, share, and permanently delete all the calendars you can access using Google Calendar"
    ),
    "https://www.googleapis.com/auth/calendar.events": "View and edit events on all your calendars",
    "https://www.googleapis.com/auth/calendar.events.readonly": "View events on all your calendars",
    "https://www.googleapis.com/auth/calendar.readonly": "See and download any calendar you can access",
    "https://www.googleapis.com/auth/calendar.calendarlist.readonly": (
        "See the list of Google calendars you’re subscribed to"
    ),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What an application asks for; `params` is its whole request."""

    client: OAuthClient
    redirect_uri: str
    scopes: frozenset[str]
    params: dict[str, str]


def consent_page(wish: Wish, accounts: list[Account], complaint: str | None = None) -> Response:
    """The form posts back to the address it was read from, so the request's own parameters stay in it."""
    boxes = "".join(_box(scope) for scope in sorted(wish.scopes - SIGN_IN_SCOPES))
    tell = f'<p class="complaint">{text(complaint)}</p>' if complaint else ""
    return document(
        "Sign in – Sandbox Google accounts",
        f"""<main class="card">
<p class="brand">Sandbox Google <span>a stand-in on this machine; nothing leaves it</span></p>
<h1>{text(wish.client.name)} wants to access your account</h1>
{tell}
<form method="post">
<fieldset><legend>Choose an account</legend>{_choices(accounts, wish.params.get("login_hint", ""))}</fieldset>
<fieldset><legend>Select what {text(wish.client.name)} can access</legend>
<p class="granted">See your primary mail address and who you are</p>{boxes}</fieldset>
<p class="small">Allow sends you back to {text(wish.redirect_uri)}</p>
<p class="buttons">
<button name="decision" value="allow" class="main">Allow</button>
<button name="decision" value="cancel" formnovalidate>Cancel</button>
</p>
</form>
</main>""",
        status=400 if complaint else 200,
        kind="consent",
    )


def refused_page(reason: str) -> Response:
    return document(
        "Access blocked – Sandbox Google accounts",
        f"""<main class="card">
<p class="brand">Sandbox Google</p>
<h1>Access blocked: this request is invalid</h1>
<p class="complaint">{text(reason)}</p>
</main>""",
        status=400,
        kind="consent",
    )


def _choices(accounts: list[Account], hint: str) -> str:
    chosen = next((account.email for account in accounts if account.email == hint.lower()), None)
    chosen = chosen or (accounts[0].email if accounts else None)
    rows = "".join(_account(account, checked=account.email == chosen) for account in accounts)
    other = "" if accounts else " checked"
    return f"""{rows}<label class="choice"><input type="radio" name="account" value="other"{other}>
<span class="face">+</span><span>Use another account
<input type="email" name="email" placeholder="somebody@example.com" aria-label="Mail address"></span></label>"""


def _account(account: Account, *, checked: bool) -> str:
    mark = " checked" if checked else ""
    return f"""<label class="choice"><input type="radio" name="account" value="{text(account.email)}"{mark}>
<span class="face">{text(account.name[:1].upper())}</span>
<span>{text(account.name)}<small>{text(account.email)}</small></span></label>"""


def _box(scope: str) -> str:
    words = WORDS.get(scope, scope)
    return f"""<label class="choice"><input type="checkbox" name="scope" value="{text(scope)}" checked>
<span>{text(words)}<small>{text(scope)}</small></span></label>"""

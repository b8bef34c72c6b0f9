"""The OAuth endpoints: discovery, consent, tokens, revocation, identity (§5).

Owns the protocol; what a grant is worth stands in `grants`, the page a person sees in `consent`.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from sync.sandbox.accounts.accounts import OAuthClient, checked_email
from sync.sandbox.accounts.grants import ACCESS_SECONDS, SIGN_IN_SCOPES, Issued, full_scopes
from sync.sandbox.errors import JSON_TYPE, GoogleError, OAuthError, auth_error
from sync.sandbox.oauth.consent import Wish, consent_page, refused_page
from sync.sandbox.state import SandboxGoogle

AUTHORIZE_PATH = "/o/oauth2/v2/auth"
NO_STORE = {"Cache-Control": "no-cache, no-store, max-age=0, must-revalidate"}


async def well_known(request: Request) -> Response:
    origin = _origin(request)
    return JSONResponse(
        {
            "issuer": origin,
            "authorization_endpoint": f"{origin}{AUTHORIZE_PATH}",
            "token_endpoint": f"{origin}/token",
            "userinfo_endpoint": f"{origin}/userinfo",
            "revocation_endpoint": f"{origin}/revoke",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["HS256"],
            "scopes_supported": ["openid", "email", "profile"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "claims_supported": ["aud", "email", "email_verified", "exp", "iat", "iss", "name", "sub"],
            "code_challenge_methods_supported": ["plain", "S256"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
        }
    )


async def ask(request: Request) -> Response:
    """The consent page, or why there can be none. A wrong client or address is never redirected to."""
    google: SandboxGoogle = request.app.state.google
    wish = _wish(request)
    if isinstance(wish, str):
        return refused_page(wish)
    return consent_page(wish, list(google.accounts.values()))


async def decide(request: Request) -> Response:
    """What the person clicked.

    Form: `decision` (`allow` or `cancel`), `account` (the address of one), or `email` for another one, and `scope`
    once for every box that is ticked.
    """
    google: SandboxGoogle = request.app.state.google
    wish = _wish(request)
    if isinstance(wish, str):
        return refused_page(wish)
    fields = await form(request)
    chosen = dict(fields)
    if chosen.get("decision") != "allow":
        return _back(wish, {"error": "access_denied"})
    try:
        # A typed address counts, whichever account is still marked above it.
        email = checked_email(chosen.get("email", "").strip() or chosen["account"])
    except (GoogleError, KeyError):
        return consent_page(wish, list(google.accounts.values()), "Choose an account or type a mail address.")
    if email not in google.accounts:
        google.add_account(email)
    ticked = {value for name, value in fields if name == "scope"}
    scopes = frozenset(scope for scope in wish.scopes if scope in SIGN_IN_SCOPES or scope in ticked)
    code = google.grants.consent(
        email,
        wish.client.client_id,
        wish.redirect_uri,
        scopes,
        offline=wish.params.get("access_type") == "offline",
        prompted="consent" in wish.params.get("prompt", "").split(),
        challenge=wish.params.get("code_challenge"),
        challenge_method=wish.params.get("code_challenge_method", "plain"),
        nonce=wish.params.get("nonce"),
    )
    return _back(wish, {"code": code, "scope": " ".join(sorted(scopes)), "authuser": "0", "prompt": "consent"})


async def token(request: Request) -> Response:
    google: SandboxGoogle = request.app.state.google
    fields = dict(await form(request))
    client = _authenticated(google, fields)
    kind = fields.get("grant_type", "")
    if kind == "authorization_code":
        issued = google.grants.exchange(
            fields.get("code", ""), client.client_id, fields.get("redirect_uri", ""), fields.get("code_verifier")
        )
    elif kind == "refresh_token":
        issued = google.grants.refresh(fields.get("refresh_token", ""), client.client_id)
    else:
        raise OAuthError(400, "unsupported_grant_type", f"Invalid grant_type: {kind}")
    return JSONResponse(_answer(google, client, issued, _origin(request)), headers=NO_STORE, media_type=JSON_TYPE)


async def revoke(request: Request) -> Response:
    google: SandboxGoogle = request.app.state.google
    fields = dict(await form(request))
    google.grants.revoke(fields.get("token") or request.query_params.get("token", ""))
    return JSONResponse({}, media_type=JSON_TYPE)


async def userinfo(request: Request) -> Response:
    google: SandboxGoogle = request.app.state.google
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
    access = google.grants.bearer(bearer)
    if access is None:
        raise auth_error()
    return JSONResponse(_identity(google, access.email), media_type=JSON_TYPE)


async def form(request: Request) -> list[tuple[str, str]]:
    """The fields of an urlencoded form, in order; a name may come more than once."""
    return parse_qsl((await request.body()).decode(), keep_blank_values=True)


def _wish(request: Request) -> Wish | str:
    """What the application asks for, or the words that refuse it."""
    google: SandboxGoogle = request.app.state.google
    params = dict(request.query_params)
    client = google.clients.get(params.get("client_id", ""))
    if client is None:
        return "Error 401: invalid_client. The OAuth client was not found."
    redirect_uri = params.get("redirect_uri", "")
    if not client.accepts(redirect_uri):
        return f"Error 400: redirect_uri_mismatch. {redirect_uri!r} is not registered for this application."
    if params.get("response_type") != "code":
        return "Error 400: invalid_request. The response_type must be 'code'."
    if params.get("code_challenge_method", "plain") not in ("plain", "S256"):
        return "Error 400: invalid_request. The code_challenge_method must be 'plain' or 'S256'."
    scopes = full_scopes(params.get("scope", ""))
    if not scopes:
        return "Error 400: invalid_request. Missing required parameter: scope."
    return Wish(client, redirect_uri, scopes, params)


def _back(wish: Wish, answer: dict[str, str]) -> Response:
    """To the application, with its state."""
    if "state" in wish.params:
        answer = {"state": wish.params["state"]} | answer
    joint = "&" if "?" in wish.redirect_uri else "?"
    return RedirectResponse(f"{wish.redirect_uri}{joint}{urlencode(answer)}", 302)


def _authenticated(google: SandboxGoogle, fields: dict[str, str]) -> OAuthClient:
    client = google.clients.get(fields.get("client_id", ""))
    if client is None:
        raise OAuthError(401, "invalid_client", "The OAuth client was not found.")
    if not hmac.compare_digest(client.client_secret.encode(), fields.get("client_secret", "").encode()):
        raise OAuthError(401, "invalid_client", "Unauthorized")
    return client


def _answer(google: SandboxGoogle, client: OAuthClient, issued: Issued, origin: str) -> dict[str, object]:
    answer: dict[str, object] = {
        "access_token": issued.access_token,
        "expires_in": ACCESS_SECONDS,
        "scope": " ".join(sorted(issued.scopes)),
        "token_type": "Bearer",
    }
    if issued.refresh_token is not None:
        answer["refresh_token"] = issued.refresh_token
    if issued.refresh_seconds is not None:
        answer["refresh_token_expires_in"] = issued.refresh_seconds
    if "openid" in issued.scopes:
        now = int(google.now().timestamp())
        claims: dict[str, object] = {"iss": origin, "aud": client.client_id, "azp": client.client_id}
        claims |= _identity(google, issued.email) | {"iat": now, "exp": now + 3600}
        answer["id_token"] = _jwt(claims | ({"nonce": issued.nonce} if issued.nonce else {}), client.client_secret)
    return answer


def _identity(google: SandboxGoogle, email: str) -> dict[str, object]:
    account = google.account(email)
    return {"sub": account.sub, "email": account.email, "email_verified": True, "name": account.name}


def _jwt(claims: dict[str, object], secret: str) -> str:
    """Signed with the client's secret: Google signs with its own keys, which nobody here has."""
    head = _base64({"alg": "HS256", "typ": "JWT"})
    payload = f"{head}.{_base64(claims)}"
    signature = hmac.new(secret.encode(), payload.encode(), sha256).digest()
    return f"{payload}.{urlsafe_b64encode(signature).decode().rstrip('=')}"


def _base64(value: dict[str, object]) -> str:
    return urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")


def _origin(request: Request) -> str:
    return str(request.base_url).rstrip("/")


ROUTES = [
    Route("/.well-known/openid-configuration", well_known, methods=["GET"]),
    Route(AUTHORIZE_PATH, ask, methods=["GET"]),
    Route(AUTHORIZE_PATH, decide, methods=["POST"]),
    Route("/token", token, methods=["POST"]),
    Route("/revoke", revoke, methods=["POST"]),
    Route("/userinfo", userinfo, methods=["GET"]),
]

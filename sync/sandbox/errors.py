"""What Google says when it refuses: error values with Google's own reasons, and their bodies.

Owns the catalogue of refusals the sandbox can give. Decides nothing about when they are given.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

JSON_TYPE = "application/json; charset=UTF-8"


class GoogleError(Exception):
    """A refusal of the Calendar API, in the shape its clients read (`error.errors[0].reason`)."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        domain: str = "global",
        location_type: str | None = None,
        location: str | None = None,
    ) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.domain = domain
        self.location_type = location_type
        self.location = location

    def body(self) -> dict[str, Any]:
        detail = {"domain": self.domain, "reason": self.reason, "message": self.message}
        if self.location is not None and self.location_type is not None:
            detail |= {"locationType": self.location_type, "location": self.location}
        return {"error": {"errors": [detail], "code": self.status, "message": self.message}}

    def response(self, headers: dict[str, str] | None = None) -> Response:
        return JSONResponse(self.body(), self.status, headers, media_type=JSON_TYPE)


class OAuthError(Exception):
    """A refusal of the token or revocation endpoint: `error` is a word there, not an object."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(f"{status} {error}: {description}")
        self.status = status
        self.error = error
        self.description = description

    def response(self) -> Response:
        body = {"error": self.error, "error_description": self.description}
        return JSONResponse(body, self.status, media_type=JSON_TYPE)


async def answer_google_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, GoogleError)
    headers = {"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/"'} if error.status == 401 else None
    return error.response(headers)


async def answer_oauth_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, OAuthError)
    return error.response()


def invalid(message: str, parameter: str | None = None) -> GoogleError:
    return GoogleError(400, "invalid", message, location_type="parameter", location=parameter)


def required(message: str) -> GoogleError:
    return GoogleError(400, "required", message)


def parse_error() -> GoogleError:
    return GoogleError(400, "parseError", "Parse Error")


def time_range_empty() -> GoogleError:
    return GoogleError(400, "timeRangeEmpty", "The specified time range is empty.", domain="calendar")


def push_not_supported() -> GoogleError:
    message = "Push notifications are not supported by this resource."
    return GoogleError(400, "pushNotSupportedForRequestedResource", message, domain="calendar")


def channel_id_not_unique(channel_id: str) -> GoogleError:
    return GoogleError(400, "channelIdNotUnique", f"Channel id {channel_id} not unique", domain="push")


def webhook_not_https(address: str) -> GoogleError:
    message = f"WebHook callback must be HTTPS: {address}"
    return GoogleError(400, "push.webhookUrlNotHttps", message)


def login_required() -> GoogleError:
    return GoogleError(401, "required", "Login Required.", location_type="header", location="Authorization")


def auth_error() -> GoogleError:
    return GoogleError(401, "authError", "Invalid Credentials", location_type="header", location="Authorization")


def insufficient_permissions() -> GoogleError:
    message = "Insufficient Permission: Request had insufficient authentication scopes."
    return GoogleError(403, "insufficientPermissions", message)


def required_access_level() -> GoogleError:
    message = "You need to have writer access to this calendar."
    return GoogleError(403, "requiredAccessLevel", message, domain="calendar")


def forbidden_for_non_organizer() -> GoogleError:
    message = "Shared properties can only be changed by the organizer of the event."
    return GoogleError(403, "forbiddenForNonOrganizer", message, domain="calendar")


def user_rate_limit_exceeded() -> GoogleError:
    return GoogleError(403, "userRateLimitExceeded", "User Rate Limit Exceeded", domain="usageLimits")


def rate_limit_exceeded() -> GoogleError:
    return GoogleError(429, "rateLimitExceeded", "Rate Limit Exceeded", domain="usageLimits")


def quota_exceeded() -> GoogleError:
    return GoogleError(403, "quotaExceeded", "Calendar usage limits exceeded.", domain="usageLimits")


def not_found() -> GoogleError:
    return GoogleError(404, "notFound", "Not Found")


def duplicate() -> GoogleError:
    return GoogleError(409, "duplicate", "The requested identifier already exists.")


def deleted() -> GoogleError:
    return GoogleError(410, "deleted", "Resource has been deleted")


def full_sync_required() -> GoogleError:
    message = "Sync token is no longer valid, a full sync is required."
    return GoogleError(
        410,
        "fullSyncRequired",
        message,
        domain="calendar",
        location_type="parameter",
        location="syncToken",
    )


def updated_min_too_long_ago() -> GoogleError:
    message = "The requested minimum modification time lies too far in the past."
    return GoogleError(
        410,
        "updatedMinTooLongAgo",
        message,
        domain="calendar",
        location_type="parameter",
        location="updatedMin",
    )


def condition_not_met() -> GoogleError:
    return GoogleError(412, "conditionNotMet", "Precondition Failed", location_type="header", location="If-Match")


def backend_error() -> GoogleError:
    return GoogleError(500, "backendError", "Backend Error")

"""Classifies refusals by Google, from status and body. Pure.

It believes a refusal only in the form that Google gives it. A 404 or 410 in any other form comes from something in
between (a proxy, a captive portal, a half-started server) and proves nothing, so it is a failure to retry.
"""

from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

from sync.google_api.replies import Failure, FailureKind

_CODE_LENGTH: Final = 64

_BY_REASON: Final[Mapping[str, FailureKind]] = {
    # limits
    "userRateLimitExceeded": FailureKind.RETRY,
    "rateLimitExceeded": FailureKind.RETRY,
    "RATE_LIMIT_EXCEEDED": FailureKind.RETRY,
    "backendError": FailureKind.RETRY,
    "conflict": FailureKind.RETRY,
    "channelIdNotUnique": FailureKind.RETRY,
    "quotaExceeded": FailureKind.QUOTA,
    "dailyLimitExceeded": FailureKind.QUOTA,
    # rights
    "insufficientPermissions": FailureKind.RECONNECT,
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": FailureKind.RECONNECT,
    "requiredAccessLevel": FailureKind.READ_ONLY,
    # what is there
    "notFound": FailureKind.NOT_FOUND,
    "deleted": FailureKind.GONE,
    "fullSyncRequired": FailureKind.TOKEN_INVALID,
    "updatedMinTooLongAgo": FailureKind.TOKEN_INVALID,
    "duplicate": FailureKind.DUPLICATE,
    "conditionNotMet": FailureKind.PRECONDITION,
    # push channels
    "pushNotSupportedForRequestedResource": FailureKind.UNWATCHABLE,
    "push.webhookUrlUnauthorized": FailureKind.MISCONFIGURED,
    "push.webhookUrlNotHttps": FailureKind.MISCONFIGURED,
    # our project
    "accessNotConfigured": FailureKind.MISCONFIGURED,
    "SERVICE_DISABLED": FailureKind.MISCONFIGURED,
    # the token endpoint
    "invalid_grant": FailureKind.RECONNECT,
    "access_denied": FailureKind.RECONNECT,
    "admin_policy_enforced": FailureKind.RECONNECT,
    "invalid_client": FailureKind.MISCONFIGURED,
    "unauthorized_client": FailureKind.MISCONFIGURED,
    "redirect_uri_mismatch": FailureKind.MISCONFIGURED,
    "invalid_scope": FailureKind.MISCONFIGURED,
    "org_internal": FailureKind.MISCONFIGURED,
    "server_error": FailureKind.RETRY,
    "temporarily_unavailable": FailureKind.RETRY,
}

_BY_STATUS: Final[Mapping[int, FailureKind]] = {
    401: FailureKind.UNAUTHORIZED,
    404: FailureKind.NOT_FOUND,
    408: FailureKind.RETRY,
    409: FailureKind.DUPLICATE,
    410: FailureKind.GONE,
    412: FailureKind.PRECONDITION,
    429: FailureKind.RETRY,
}


def classify(status: int, body: object, headers: Mapping[str, str]) -> Failure:
    """Returns the failure for an answer with a status of 400 or more.

    `body` is the decoded JSON, or anything else where there was none. Google's reason decides; where we know none of
    its reasons, the status does.
    """
    error = body.get("error") if isinstance(body, Mapping) else None
    hint = retry_after(headers)
    if not error or not isinstance(error, Mapping | str):
        return Failure(FailureKind.RETRY, f"HTTP_{status}", f"Google answered with status {status}.", hint)
    assert isinstance(body, Mapping)
    reasons = list(_reasons(error))
    code = reasons[0][:_CODE_LENGTH] if reasons else f"HTTP_{status}"
    return Failure(_kind(status, reasons, error), code, _message(body, error, code), hint)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Returns the seconds that `Retry-After` asks for, as a number or as a date; None without a usable one.

    Counts a date from the answer's own `Date`, so that our clock does not matter.
    """
    header = headers.get("Retry-After", "").strip()
    if header.isdecimal():
        return float(header)
    try:
        wait = parsedate_to_datetime(header) - parsedate_to_datetime(headers.get("Date", ""))
    except (TypeError, ValueError):
        return None
    return max(0.0, wait.total_seconds())


def _kind(status: int, reasons: list[str], error: Mapping[str, Any] | str) -> FailureKind:
    if status >= 500:
        return FailureKind.RETRY
    if isinstance(error, Mapping) and any(each.get("location") == "syncToken" for each in _errors(error)):
        return FailureKind.TOKEN_INVALID
    known = (_BY_REASON[reason] for reason in reasons if reason in _BY_REASON)
    return next(known, _BY_STATUS.get(status, FailureKind.PERMANENT))


def _reasons(error: Mapping[str, Any] | str) -> Iterator[str]:
    """Yields Google's reasons, the most specific first: older APIs give `errors`, newer ones `details`."""
    if isinstance(error, str):
        yield error
        return
    details = error.get("details")
    for each in (*_errors(error), *(details if isinstance(details, list) else ())):
        if isinstance(each, Mapping) and isinstance(each.get("reason"), str) and each["reason"]:
            yield each["reason"]
    if isinstance(error.get("status"), str) and error["status"]:
        yield error["status"]


def _errors(error: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    errors = error.get("errors")
    return [each for each in errors if isinstance(each, Mapping)] if isinstance(errors, list) else []


def _message(body: Mapping[str, Any], error: Mapping[str, Any] | str, code: str) -> str:
    text = body.get("error_description") if isinstance(error, str) else error.get("message")
    return text if isinstance(text, str) and text else f"Google said: {code}."

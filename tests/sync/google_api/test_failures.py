"""What Google's refusals mean: each row of its table of errors, and what only looks like one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.google_api.failures import classify, retry_after
from sync.google_api.replies import Failure, FailureKind
from tests.sync.deadlines import patient


def refusal(reason: str | None, message: str = "No.", **error: Any) -> dict[str, Any]:
    errors = [{"domain": "global", "reason": reason, "message": message}] if reason else []
    return {"error": {"errors": errors, "message": message, **error}}


ROWS = [
    (400, "timeRangeEmpty", FailureKind.PERMANENT),
    (400, "invalid", FailureKind.PERMANENT),
    (400, "required", FailureKind.PERMANENT),
    (400, "pushNotSupportedForRequestedResource", FailureKind.UNWATCHABLE),
    (400, "channelIdNotUnique", FailureKind.RETRY),
    (400, "push.webhookUrlUnauthorized", FailureKind.MISCONFIGURED),
    (401, "push.webhookUrlUnauthorized", FailureKind.MISCONFIGURED),
    (400, "push.webhookUrlNotHttps", FailureKind.MISCONFIGURED),
    (401, "authError", FailureKind.UNAUTHORIZED),
    (401, "required", FailureKind.UNAUTHORIZED),
    (403, "userRateLimitExceeded", FailureKind.RETRY),
    (403, "rateLimitExceeded", FailureKind.RETRY),
    (429, "rateLimitExceeded", FailureKind.RETRY),
    (403, "quotaExceeded", FailureKind.QUOTA),
    (429, "quotaExceeded", FailureKind.QUOTA),
    (403, "forbiddenForNonOrganizer", FailureKind.PERMANENT),
    (403, "forbidden", FailureKind.PERMANENT),
    (403, "requiredAccessLevel", FailureKind.READ_ONLY),
    (403, "insufficientPermissions", FailureKind.RECONNECT),
    (403, "accessNotConfigured", FailureKind.MISCONFIGURED),
    (404, "notFound", FailureKind.NOT_FOUND),
    (409, "duplicate", FailureKind.DUPLICATE),
    (409, "conflict", FailureKind.RETRY),
    (410, "fullSyncRequired", FailureKind.TOKEN_INVALID),
    (410, "updatedMinTooLongAgo", FailureKind.TOKEN_INVALID),
    (410, "deleted", FailureKind.GONE),
    (412, "conditionNotMet", FailureKind.PRECONDITION),
    (500, "backendError", FailureKind.RETRY),
    (503, "backendError", FailureKind.RETRY),
]


@pytest.mark.parametrize(("status", "reason", "kind"), ROWS)
def test_a_reason_of_googles_decides(status: int, reason: str, kind: FailureKind) -> None:
    assert classify(status, refusal(reason), {}) == Failure(kind, reason, "No.")


WITHOUT_A_REASON = [
    (400, FailureKind.PERMANENT),
    (401, FailureKind.UNAUTHORIZED),
    (403, FailureKind.PERMANENT),
    (404, FailureKind.NOT_FOUND),
    (408, FailureKind.RETRY),
    (409, FailureKind.DUPLICATE),
    (410, FailureKind.GONE),
    (412, FailureKind.PRECONDITION),
    (429, FailureKind.RETRY),
    (500, FailureKind.RETRY),
    (502, FailureKind.RETRY),
    (504, FailureKind.RETRY),
]


@pytest.mark.parametrize(("status", "kind"), WITHOUT_A_REASON)
def test_where_google_gives_no_reason_the_status_decides(status: int, kind: FailureKind) -> None:
    assert classify(status, refusal(None), {}) == Failure(kind, f"HTTP_{status}", "No.")


@pytest.mark.parametrize(
    ("status", "word", "kind"),
    [
        (400, "invalid_grant", FailureKind.RECONNECT),
        (400, "admin_policy_enforced", FailureKind.RECONNECT),
        (401, "invalid_client", FailureKind.MISCONFIGURED),
        (400, "redirect_uri_mismatch", FailureKind.MISCONFIGURED),
        (400, "unauthorized_client", FailureKind.MISCONFIGURED),
        (400, "invalid_request", FailureKind.PERMANENT),
        (503, "temporarily_unavailable", FailureKind.RETRY),
        (500, "invalid_grant", FailureKind.RETRY),
    ],
)
def test_the_token_endpoint_answers_with_a_word(status: int, word: str, kind: FailureKind) -> None:
    body = {"error": word, "error_description": "Token has been expired or revoked."}
    assert classify(status, body, {}) == Failure(kind, word, "Token has been expired or revoked.")


def test_newer_fronts_put_the_reason_into_the_details() -> None:
    detail = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}
    body = refusal(None, status="PERMISSION_DENIED", details=[detail])
    assert classify(403, body, {}).kind is FailureKind.RECONNECT


def test_a_known_reason_counts_even_behind_an_unknown_one() -> None:
    body = refusal("forbidden", details=[{"reason": "SERVICE_DISABLED"}])
    assert classify(403, body, {}).kind is FailureKind.MISCONFIGURED


def test_a_complaint_about_the_sync_token_is_a_dead_token_whatever_its_reason() -> None:
    error = {"reason": "invalid", "message": "Invalid sync token value.", "location": "syncToken"}
    assert classify(400, {"error": {"errors": [error]}}, {}).kind is FailureKind.TOKEN_INVALID


@pytest.mark.parametrize("body", [None, "<html>Not Found</html>", [], {}, {"detail": "Not Found"}, {"error": 5}])
@pytest.mark.parametrize("status", [401, 403, 404, 409, 410, 502])
def test_a_refusal_that_is_not_googles_proves_nothing(status: int, body: object) -> None:
    failure = classify(status, body, {})
    assert (failure.kind, failure.code) == (FailureKind.RETRY, f"HTTP_{status}")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "30"}, 30.0),
        ({"Retry-After": " 0 "}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "Sun, 22 Nov 2026 08:01:00 GMT", "Date": "Sun, 22 Nov 2026 08:00:00 GMT"}, 60.0),
        ({"Retry-After": "Sun, 22 Nov 2026 07:00:00 GMT", "Date": "Sun, 22 Nov 2026 08:00:00 GMT"}, 0.0),
        ({"Retry-After": "Sun, 22 Nov 2026 08:01:00 GMT"}, None),
        ({"Retry-After": "Sun, 22 Nov 2026 08:01:00", "Date": "Sun, 22 Nov 2026 08:00:00 GMT"}, None),
    ],
)
def test_a_hint_is_read_as_seconds_or_as_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds
    assert classify(429, refusal("rateLimitExceeded"), headers).retry_after == seconds


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "errors", "reason", "message", "details", "status", "location"]), inner
        )
    ),
    max_leaves=15,
)


@patient
@given(st.integers(400, 599), JSON, st.dictionaries(st.sampled_from(["Retry-After", "Date"]), st.text()))
def test_nothing_that_a_server_may_say_is_too_strange(status: int, body: object, headers: dict[str, str]) -> None:
    failure = classify(status, body, headers)
    assert failure.code
    assert failure.message

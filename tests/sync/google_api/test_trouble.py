"""Trouble: of every failure a code that clients know, and never a word of Google's."""

from datetime import UTC, datetime

import pytest

from sync.google_api import tokens, trouble
from sync.google_api.replies import Failure, FailureKind
from sync.google_api.trouble import EXPLANATIONS, Trouble, TroubleCode
from sync.pull.machine import SWEEP_REFUSED, ZONE_CHANGED

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PASSES = "there is nothing to do"
NOBODY = {
    TroubleCode.GOOGLE_UNAVAILABLE,
    TroubleCode.GOOGLE_RATE_LIMITED,
    TroubleCode.GOOGLE_QUOTA_EXCEEDED,
    TroubleCode.OVER_BUDGET,
    TroubleCode.TIME_ZONE_CHANGED,
}
SOMEBODY = ("n admin has to", "staff have to", "hoever runs this service")


@pytest.mark.parametrize("kind", FailureKind)
def test_every_failure_is_some_trouble(kind: FailureKind) -> None:
    assert trouble.code_of(Failure(kind, "whatever", "What Google said.")) in TroubleCode


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (Failure(FailureKind.RETRY, "backendError", "x"), TroubleCode.GOOGLE_UNAVAILABLE),
        (Failure(FailureKind.RETRY, "userRateLimitExceeded", "x"), TroubleCode.GOOGLE_RATE_LIMITED),
        (Failure(FailureKind.RECONNECT, "invalid_grant", "x"), TroubleCode.GOOGLE_RECONNECT_REQUIRED),
        (Failure(FailureKind.UNAUTHORIZED, "authError", "x"), TroubleCode.GOOGLE_RECONNECT_REQUIRED),
        (Failure(FailureKind.READ_ONLY, "requiredAccessLevel", "x"), TroubleCode.GOOGLE_CALENDAR_READ_ONLY),
        (Failure(FailureKind.NOT_FOUND, "notFound", "x"), TroubleCode.GOOGLE_CALENDAR_NOT_FOUND),
        (Failure(FailureKind.MISCONFIGURED, "invalid_client", "x"), TroubleCode.GOOGLE_NOT_SET_UP),
        (Failure(FailureKind.RETRY, "INTERNAL", "x"), TroubleCode.GOOGLE_UNAVAILABLE),
        (SWEEP_REFUSED, TroubleCode.EVENTS_MISSING),
        (ZONE_CHANGED, TroubleCode.TIME_ZONE_CHANGED),
        (tokens.KEY_LOST, TroubleCode.SECRET_KEY_LOST),
        (tokens.NOT_CONNECTED, TroubleCode.GOOGLE_RECONNECT_REQUIRED),
    ],
)
def test_a_failure_is_the_trouble_that_cures_it(failure: Failure, code: TroubleCode) -> None:
    assert trouble.code_of(failure) is code


@pytest.mark.parametrize("code", TroubleCode)
def test_all_trouble_says_who_has_to_do_what_or_that_nobody_has_to(code: TroubleCode) -> None:
    assert (PASSES in EXPLANATIONS[code]) is (code in NOBODY)
    assert any(who in EXPLANATIONS[code] for who in SOMEBODY) is (code not in NOBODY)


def test_what_an_earlier_release_stored_is_told_too() -> None:
    assert trouble.from_row(None, NOW) is None
    assert trouble.from_row("EVENTS_MISSING", NOW) == Trouble(TroubleCode.EVENTS_MISSING, NOW)
    assert trouble.from_row("Some reason of Google's", NOW) == Trouble(TroubleCode.GOOGLE_REFUSED, NOW)

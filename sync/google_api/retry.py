"""Decides when to try again, from the failure and the number of attempts. Pure: callers pass a random number."""

from dataclasses import dataclass
from typing import Final

from sync.google_api.replies import Failure, FailureKind

LADDER_SECONDS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 300.0, 1800.0, 7200.0)
QUOTA_SECONDS: Final = 3600.0
LONGEST_HINT_SECONDS: Final = 86_400.0
LOST_AFTER_ATTEMPTS: Final = 4
LOST_CHECK_SECONDS: Final = 300.0
SLOW_SECONDS: Final = 7200.0


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about a failure.

    `wait_seconds` is None when trying again is no use before somebody acts (signs in again, changes the link, mends the
    settings). `prescribed` means that Google demanded the pause, so nothing may cut it short. `action_required` means
    that waiting alone will hardly cure it, so clients show it to staff.
    """

    wait_seconds: float | None
    prescribed: bool = False
    action_required: bool = False


def delay(attempt: int, hint: float | None, random: float) -> float:
    """Returns the seconds before the next attempt, after `attempt` (1 or more) failed in a row.

    `random` in [0, 1) spreads calls that failed together by up to a second, or a quarter of the wait if that is more.
    The wait is never shorter than Google's hint. Google asks for truncated exponential backoff; the longer waits after
    that are ours, for outages.
    """
    assert attempt >= 1
    if hint is not None:
        return min(hint, LONGEST_HINT_SECONDS) + random
    rung = LADDER_SECONDS[min(attempt, len(LADDER_SECONDS)) - 1]
    return rung + random * max(1.0, rung / 4)


def after_failure(failure: Failure, attempt: int, random: float) -> Decision:
    """Decides about a failure of a calendar's pull or push, the `attempt`-th in a row.

    An UNAUTHORIZED here means a dead grant, since `session` has tried with a new access token already.
    """
    hint = failure.retry_after
    match failure.kind:
        case FailureKind.QUOTA:
            return Decision(delay(1, max(hint or 0.0, QUOTA_SECONDS), random), prescribed=True)
        case FailureKind.SPENT:
            return Decision(delay(1, hint, random))
        case FailureKind.UNAUTHORIZED | FailureKind.RECONNECT:
            return Decision(None, action_required=True)
        case FailureKind.NOT_FOUND if attempt < LOST_AFTER_ATTEMPTS:
            # Google's own errors page asks for patience with a calendar's 404: four in a row span 15 minutes.
            return Decision(delay(1, max(hint or 0.0, LOST_CHECK_SECONDS), random))
        case FailureKind.NOT_FOUND | FailureKind.READ_ONLY | FailureKind.MISCONFIGURED | FailureKind.PERMANENT:
            return Decision(delay(1, max(hint or 0.0, SLOW_SECONDS), random), action_required=True)
        case _:
            return Decision(delay(attempt, hint, random), prescribed=hint is not None)

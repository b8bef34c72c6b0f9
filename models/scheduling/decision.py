"""From the evaluator's reasons to an answer for the client. Pure.

One refusal per distinct code, in the enum's order; every kind of busy time is SLOT_TAKEN to a client.
"""

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from models.refusals import ErrorCode, Refusal, Refused
from models.scheduling.availability import Reason
from models.scheduling.intervals import Instant
from models.scheduling.offer import Offer

LIFTED = frozenset(
    {
        ErrorCode.OUTSIDE_OPENING_HOURS,
        ErrorCode.NOT_ON_SLOT_GRID,
        ErrorCode.IN_THE_PAST,
        ErrorCode.TOO_SHORT_NOTICE,
        ErrorCode.BEYOND_HORIZON,
    }
)
SAYS = {
    ErrorCode.SLOT_TAKEN: ("This time is taken.", "start"),
    ErrorCode.OUTSIDE_OPENING_HOURS: ("This time is outside the opening hours.", "start"),
    ErrorCode.NOT_ON_SLOT_GRID: ("No booking starts at this time.", "start"),
    ErrorCode.IN_THE_PAST: ("This time is in the past.", "start"),
    ErrorCode.TOO_SHORT_NOTICE: ("This time is too soon.", "start"),
    ErrorCode.BEYOND_HORIZON: ("This time is too far ahead.", "start"),
    ErrorCode.SERVICE_NOT_OFFERED: ("The service is not offered here.", "serviceId"),
    ErrorCode.INACTIVE: ("This can no longer be booked.", "serviceId"),
}
ABOUT_THE_SLOT = frozenset(SAYS)


def codes(reasons: Iterable[Reason], override_rules: bool = False) -> set[ErrorCode]:
    """What a client is told for these reasons; overriding lifts the rules, never busy time."""
    told = {_code(reason) for reason in reasons}
    return told - LIFTED if override_rules else told


def _code(reason: Reason) -> ErrorCode:
    return ErrorCode.SLOT_TAKEN if reason.busy else ErrorCode(reason.code.name)


def says(reason: Reason) -> str:
    """The reason in a sentence."""
    return SAYS[_code(reason)][0]


def refusal(told: Collection[ErrorCode]) -> Refused:
    """The answer for these codes."""
    return Refused([Refusal(code, SAYS[code][0], ("input", SAYS[code][1])) for code in ErrorCode if code in told])


def free_options(offer: Offer, start: Instant, override_rules: bool = False) -> Collection[UUID] | Refused:
    """The options that can take the start; with none, the refusal of the one with the fewest reasons against it."""
    against: Mapping[UUID, set[ErrorCode]] = {
        option_id: codes(offer.reasons(option_id, start), override_rules) for option_id in offer.options
    }
    if free := [option_id for option_id, told in against.items() if not told]:
        return free
    return refusal(min(against.values(), key=len, default={ErrorCode.SERVICE_NOT_OFFERED}))


def is_about_the_slot(answer: Refused) -> bool:
    """Whether other slots would help."""
    return any(reason.code in ABOUT_THE_SLOT for reason in answer.reasons)

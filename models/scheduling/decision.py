"""Turns the evaluator's reasons into the refusal that a client gets. Pure.

The refusal has each code once, in the order of ErrorCode; every kind of busy time becomes SLOT_TAKEN.
"""

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from models.refusals import ErrorCode, Refusal, Refused
from models.scheduling.availability import Reason
from models.scheduling.intervals import Instant
from models.scheduling.offer import Offer

OVERRIDABLE = frozenset(
    {
        ErrorCode.OUTSIDE_OPENING_HOURS,
        ErrorCode.NOT_ON_SLOT_GRID,
        ErrorCode.IN_THE_PAST,
        ErrorCode.TOO_SHORT_NOTICE,
        ErrorCode.BEYOND_HORIZON,
    }
)
MESSAGES = {
    ErrorCode.SLOT_TAKEN: ("This time is taken.", "start"),
    ErrorCode.OUTSIDE_OPENING_HOURS: ("This time is outside the opening hours.", "start"),
    ErrorCode.NOT_ON_SLOT_GRID: ("No booking starts at this time.", "start"),
    ErrorCode.IN_THE_PAST: ("This time is in the past.", "start"),
    ErrorCode.TOO_SHORT_NOTICE: ("This time is too soon.", "start"),
    ErrorCode.BEYOND_HORIZON: ("This time is too far ahead.", "start"),
    ErrorCode.SERVICE_NOT_OFFERED: ("The service is not offered here.", "serviceId"),
    ErrorCode.INACTIVE: ("This can no longer be booked.", "serviceId"),
}
SLOT_CODES = frozenset(MESSAGES)


def codes(reasons: Iterable[Reason], override_rules: bool = False) -> set[ErrorCode]:
    """Returns the codes for these reasons. `override_rules` ignores the service's rules, never busy time."""
    found = {_code(reason) for reason in reasons}
    return found - OVERRIDABLE if override_rules else found


def _code(reason: Reason) -> ErrorCode:
    return ErrorCode.SLOT_TAKEN if reason.busy else ErrorCode(reason.code.name)


def message(reason: Reason) -> str:
    """Returns the English sentence for a reason."""
    return MESSAGES[_code(reason)][0]


def refusal(found: Collection[ErrorCode]) -> Refused:
    """Builds the refusal with these codes."""
    return Refused(
        [Refusal(code, MESSAGES[code][0], ("input", MESSAGES[code][1])) for code in ErrorCode if code in found]
    )


def free_options(offer: Offer, start: Instant, override_rules: bool = False) -> Collection[UUID] | Refused:
    """Returns the options that can take the start; with none, the refusal of the one with the fewest reasons."""
    against: Mapping[UUID, set[ErrorCode]] = {
        option_id: codes(offer.reasons(option_id, start), override_rules) for option_id in offer.options
    }
    if free := [option_id for option_id, found in against.items() if not found]:
        return free
    return refusal(min(against.values(), key=len, default={ErrorCode.SERVICE_NOT_OFFERED}))


def is_about_the_slot(answer: Refused) -> bool:
    """Whether the client may succeed with another slot."""
    return any(reason.code in SLOT_CODES for reason in answer.reasons)

"""Assumed lengths of the schema's lists, and costs of fields besides their values, from which `cost` computes.

A list with pages is as long as `first`. All others count with these lengths: those of a business with about fifty
options and fifty services, which is more than most have.
"""

from collections.abc import Mapping
from typing import Final

OPTIONS: Final = 50
SERVICES: Final = 50

LONGEST_RANGE: Final = 63
LONGEST_OVERRIDES: Final = 401
"""The most days of a range, and of that of `dateOverrides`, with one more for a change of the clock."""

SLOTS_PER_DAY: Final = 48
"""Slots in a day: one every quarter of an hour, for twelve hours."""

ENTRIES_PER_OPTION_AND_DAY: Final = 2
"""How many entries one option is assumed to have on one day of a calendar."""

EVENTS_PER_DAY: Final = 20
"""How many events one Google calendar is assumed to have on one day."""

WORK_PER_OPTION_AND_DAY: Final = 20
"""The cost of computing the slots of one option on one day, whatever the answer shows of them."""


def work_beyond(slots: int, days: int, options: int, *, shows_slots: bool, shows_options: bool) -> int:
    """Returns what slots cost besides what was counted before, if there are more of them than SLOTS_PER_DAY: a quarter
    for each option that was looked at, and what the answer shows of each slot. (A short step makes many.)
    """
    more = max(0, slots - days * SLOTS_PER_DAY)
    return more * (2 + 6 * shows_slots + options * (1 + 4 * shows_options)) // 4


LENGTHS: Final[Mapping[str, int]] = {
    "Option.services": SERVICES,
    "Option.openingHours": 14,
    "DateOverride.intervals": 3,
    "Service.options": OPTIONS,
    "CalendarEntry.options": 1,
    "Booking.options": 1,
    "Booking.conflicts": 2,
    "Booking.history": 100,
    "HistoryEntry.changes": 4,
    "Hold.options": 1,
    "TimeOff.options": 1,
    "GoogleEvent.options": 4,
    "GoogleEvent.blockedOptions": 4,
    "GoogleEvent.conflicts": 2,
    "GoogleConnection.matchers": 4,
    "GoogleAccount.missingScopes": 4,
    "GoogleAccount.calendars": 20,
    "GoogleCalendar.sharedWith": OPTIONS,
    "GoogleCalendarSettings.placeholders": 20,
    "Query.googleAccounts": 20,
    "RoutedEvent.blocks": 4,
    "SlotCheck.reasons": 8,
    "Slot.options": OPTIONS,
    "Slot.unavailableOptions": OPTIONS,
    "UserError.path": 4,
    "DisconnectGoogleAccountPayload.options": OPTIONS,
    "__Schema.types": 130,
    "__Schema.directives": 8,
    "__Type.fields": 8,
    "__Type.interfaces": 1,
    "__Type.possibleTypes": 1,
    "__Type.enumValues": 3,
    "__Type.inputFields": 3,
    "__Field.args": 1,
    "__Directive.args": 2,
    "__Directive.locations": 4,
}
"""The assumed lengths of lists, by field. Payloads' lists are ERRORS and ALTERNATIVES long."""

ERRORS: Final = 4
ALTERNATIVES: Final = 5

BASES: Final[Mapping[str, int]] = {
    "Query.slotCheck": 200,
    "Query.node": 20,
    "Query.googleRoutingPreview": 2000,
    "Query.googleCalendarPreview": 200,
    "BookingConnection.totalCount": 2000,
    "OptionConnection.totalCount": 100,
    "ServiceConnection.totalCount": 100,
}
"""The costs of fields besides their values: reading, counting, computing."""

MUTATION: Final = 2000
"""The cost of a mutation besides its values, for writing."""

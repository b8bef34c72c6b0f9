"""How long the lists of the schema are taken to be before anything is read, and what fields cost beyond what they show.

Lists that page are as long as `first` asks. All others are counted with these lengths: those of a business of about
fifty options and fifty services, which is more than most have.
"""

from collections.abc import Mapping
from typing import Final

OPTIONS: Final = 50
SERVICES: Final = 50

LONGEST_RANGE: Final = 63
LONGEST_OVERRIDES: Final = 401
"""Days that a range may have, and that of `dateOverrides`, with one for a change of the clock."""

SLOTS_PER_DAY: Final = 48
"""Slots of a day: every quarter of an hour in twelve."""

ENTRIES_PER_OPTION_AND_DAY: Final = 2
"""Entries of one option on one day of a calendar."""

EVENTS_PER_DAY: Final = 20
"""Events of a day in one Google calendar."""

WORK_PER_OPTION_AND_DAY: Final = 20
"""What it costs to work out the slots of one option on one day, whatever is shown of them."""

LENGTHS: Final[Mapping[str, int]] = {
    "Option.services": SERVICES,
    "Option.openingHours": 14,
    "DateOverride.intervals": 3,
    "Service.options": OPTIONS,
    "CalendarEntry.options": 1,
    "Booking.options": 1,
    "Booking.conflicts": 2,
    "Booking.history": 10,
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
"""By field. A list of errors is 4 long, one of alternatives 5."""

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
"""What a field costs besides what it shows: reading, counting, working out."""

MUTATION: Final = 2000
"""What a mutation costs besides what it shows: it writes."""

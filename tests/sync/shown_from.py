"""What each followed field is shown from, and each keyword of a template.

A field that is not in here is refused by a test: whoever adds one says from which rows it is shown, and so learns who
has to tell of it.
"""

from enum import StrEnum, auto


class Source(StrEnum):
    """A row that a field is shown from."""

    OWN = auto()
    """The entry's own row, and what is written with it: the verb that writes it notes it."""
    SERVICE = auto()
    OPTION = auto()
    BUSINESS = auto()
    LINK = auto()
    ACCOUNT = auto()
    CALENDAR = auto()
    EVENT = auto()
    BLOCK = auto()
    BOOKING = auto()
    MIRROR = auto()
    CLOCK = auto()
    """Time going on: whoever follows it looks by itself."""
    BEHIND = auto()
    """What lies further behind what is followed: it has a query of its own, and the schema says that it is not told."""


def _all(source: Source, fields: str) -> dict[str, frozenset[Source]]:
    return dict.fromkeys(fields.split(), frozenset({source}))


S = Source
FIELDS: dict[str, dict[str, frozenset[Source]]] = {
    "CalendarChange": _all(S.OWN, "cursor at action entryId entry"),
    "Booking": {
        **_all(S.OWN, "id start end allDay blocks reference status version createdAt updatedAt customer note"),
        **_all(S.SERVICE, "service"),
        **_all(S.OPTION, "option options"),
        "title": frozenset({S.OWN, S.SERVICE}),
        "mirror": frozenset({S.MIRROR}),
        "history": frozenset({S.OWN, S.MIRROR}),
        "conflicts": frozenset({S.OWN, S.BLOCK, S.EVENT, S.CALENDAR, S.LINK, S.OPTION}),
    },
    "Hold": {
        **_all(S.OWN, "id start end allDay blocks expiresAt"),
        **_all(S.OPTION, "option options"),
        **_all(S.SERVICE, "service title"),
    },
    "TimeOff": {**_all(S.OWN, "id start end allDay blocks title reason"), **_all(S.OPTION, "option options")},
    "GoogleEvent": {
        **_all(S.EVENT, "id start end allDay busy private htmlLink"),
        "title": frozenset({S.EVENT, S.LINK}),
        "blocks": frozenset({S.BLOCK}),
        "options": frozenset({S.LINK, S.OPTION}),
        "blockedOptions": frozenset({S.BLOCK, S.OPTION}),
        "calendar": frozenset({S.CALENDAR}),
        "conflicts": frozenset({S.BLOCK, S.BOOKING, S.SERVICE, S.OPTION}),
    },
    "Customer": _all(S.OWN, "name email phone"),
    "Mirror": _all(S.MIRROR, "state htmlLink drift driftFoundAt driftCorrectedAt error"),
    "HistoryEntry": _all(S.OWN, "at actor action changes"),
    "FieldChange": _all(S.OWN, "field before after"),
    "Service": {
        **_all(
            S.SERVICE,
            "id name description durationMinutes bufferBeforeMinutes bufferAfterMinutes slotStepMinutes"
            " minimumNoticeMinutes bookingHorizonDays changeNoticeMinutes active price",
        ),
        **_all(S.BEHIND, "options"),
    },
    "Money": _all(S.SERVICE, "amount currency"),
    "Option": {
        **_all(S.OPTION, "id name kind description color active timeZone"),
        **_all(S.BEHIND, "services openingHours dateOverrides google"),
    },
    "OpeningHours": _all(S.BEHIND, "weekday opens closes"),
    "OpeningInterval": _all(S.BEHIND, "opens closes"),
    "DateOverride": _all(S.BEHIND, "date intervals"),
    "GoogleCalendar": {
        **_all(S.CALENDAR, "id googleId summary timeZone accessRole primary listed unroutedEvents"),
        **_all(S.LINK, "sharedWith"),
    },
    "Availability": {
        **_all(S.CLOCK, "asOf freshAsOf"),
        "timeZone": frozenset({S.BUSINESS}),
        "days": frozenset({S.OWN, S.BUSINESS}),
        "emptyReason": frozenset({S.OWN}),
    },
    "AvailabilityDay": _all(S.OWN, "date slots"),
    "Slot": {**_all(S.OWN, "start end"), **_all(S.OPTION, "options unavailableOptions")},
    "SyncHealthChange": _all(S.OPTION, "option"),
    "GoogleConnection": {
        **_all(S.LINK, "id blocking allDayEvents detail mirrorAs matchers"),
        **_all(S.ACCOUNT, "account"),
        **_all(S.CALENDAR, "calendar"),
        "health": frozenset({S.CALENDAR, S.ACCOUNT, S.MIRROR, S.CLOCK}),
    },
    "GoogleAccount": {**_all(S.ACCOUNT, "id email state missingScopes"), **_all(S.BEHIND, "calendars")},
    "EventMatcher": _all(S.LINK, "field value"),
    "SyncHealth": _all(S.CALENDAR, "inbound outbound pushChannel"),
    "InboundHealth": _all(S.CALENDAR, "state lastCompletedAt nextAttemptAt error"),
    "OutboundHealth": {
        **_all(S.CALENDAR, "state lastCompletedAt nextAttemptAt error"),
        **_all(S.MIRROR, "pending oldestPendingAt"),
    },
    "SyncError": _all(S.CALENDAR, "code message at"),
    "PushChannel": _all(S.CALENDAR, "active expiresAt"),
}
"""By type: every field that a subscription can be asked for, with all it is shown from."""

KEYWORDS: dict[str, frozenset[Source]] = {
    **dict.fromkeys(
        ("appointment_date", "appointment_time", "appointment_end_date", "appointment_end_time"),
        frozenset({S.OWN, S.OPTION, S.BUSINESS}),
    ),
    "appointment_duration": frozenset({S.OWN, S.BUSINESS}),
    **_all(S.OWN, "customer_name customer_email customer_phone booking_note booking_reference"),
    **_all(S.SERVICE, "service_name"),
    **_all(S.OPTION, "option_name"),
    **_all(S.BUSINESS, "business_name"),
    "manage_link": frozenset({S.OWN, S.BUSINESS}),
}
"""By keyword of a template: what it is rendered from. An option's zone is in every event, the link's `mirrorAs` too."""

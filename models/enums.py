"""The enums of the domain. Their names are those of the API; `graph.enums` describes them to clients."""

from enum import StrEnum


class Role(StrEnum):
    """What a key may do."""

    ADMIN = "ADMIN"
    STAFF = "STAFF"
    PUBLIC = "PUBLIC"


class OptionKind(StrEnum):
    """What kind of thing is booked."""

    PERSON = "PERSON"
    ROOM = "ROOM"
    VEHICLE = "VEHICLE"
    EQUIPMENT = "EQUIPMENT"
    OTHER = "OTHER"


class Weekday(StrEnum):
    """The days of the week, in the order of `date.weekday()`."""

    MONDAY = "MONDAY"
    TUESDAY = "TUESDAY"
    WEDNESDAY = "WEDNESDAY"
    THURSDAY = "THURSDAY"
    FRIDAY = "FRIDAY"
    SATURDAY = "SATURDAY"
    SUNDAY = "SUNDAY"


class BookingStatus(StrEnum):
    """What became of a booking."""

    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"
    COMPLETED = "COMPLETED"
    NO_SHOW = "NO_SHOW"


class BookingOrderField(StrEnum):
    """What a list of bookings is ordered by: the values are columns."""

    START = "starts_at"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"


class OrderDirection(StrEnum):
    """Which way a list is ordered."""

    ASC = "ASC"
    DESC = "DESC"


class ChangeAction(StrEnum):
    """What a client that keeps a copy does with a change."""

    UPSERTED = "UPSERTED"
    REMOVED = "REMOVED"
    RESET = "RESET"


class ChangeKind(StrEnum):
    """What a change is about. The first four are kinds of calendar entries."""

    BOOKING = "BOOKING"
    HOLD = "HOLD"
    TIME_OFF = "TIME_OFF"
    GOOGLE_EVENT = "GOOGLE_EVENT"
    OPTION = "OPTION"
    SERVICE = "SERVICE"
    GOOGLE_LINK = "GOOGLE_LINK"
    KEY = "KEY"
    BUSINESS = "BUSINESS"


class GoogleAccountState(StrEnum):
    """Whether the account's consent still works."""

    CONNECTED = "CONNECTED"
    RECONNECT_REQUIRED = "RECONNECT_REQUIRED"
    SCOPES_MISSING = "SCOPES_MISSING"


class GoogleAccessRole(StrEnum):
    """What Google lets the account do with a calendar."""

    OWNER = "OWNER"
    WRITER = "WRITER"
    WRITER_WITHOUT_PRIVATE_ACCESS = "WRITER_WITHOUT_PRIVATE_ACCESS"
    READER = "READER"
    FREE_BUSY_READER = "FREE_BUSY_READER"


class Blocking(StrEnum):
    """Which busy events of the calendar block the option."""

    ALL_EVENTS = "ALL_EVENTS"
    MATCHED_EVENTS = "MATCHED_EVENTS"
    NO_EVENTS = "NO_EVENTS"


class UnroutedEvents(StrEnum):
    """Whom an event blocks when no option's matchers match it."""

    BLOCK_ALL = "BLOCK_ALL"
    BLOCK_NONE = "BLOCK_NONE"


class MatcherField(StrEnum):
    """The part of an event that a matcher looks at."""

    TITLE = "TITLE"
    DESCRIPTION = "DESCRIPTION"
    LOCATION = "LOCATION"
    ATTENDEE = "ATTENDEE"
    COLOR = "COLOR"


class AllDayEvents(StrEnum):
    """Whether an all-day event blocks the option."""

    AS_MARKED = "AS_MARKED"
    ALWAYS_BLOCK = "ALWAYS_BLOCK"
    NEVER_BLOCK = "NEVER_BLOCK"


class EventDetail(StrEnum):
    """How much of a Google event we store."""

    FULL = "FULL"
    BUSY_ONLY = "BUSY_ONLY"


class MirrorAs(StrEnum):
    """How mirrored bookings appear in Google."""

    BUSY = "BUSY"
    FREE = "FREE"


class MirrorState(StrEnum):
    """Whether Google has the booking as it is now."""

    PENDING = "PENDING"
    MIRRORED = "MIRRORED"
    FAILED = "FAILED"
    NOT_LINKED = "NOT_LINKED"


class Drift(StrEnum):
    """What somebody last did to a mirror in Google."""

    NONE = "NONE"
    MOVED = "MOVED"
    DELETED = "DELETED"
    EDITED = "EDITED"


class HealthState(StrEnum):
    """How pulling from a linked calendar goes, or pushing to it."""

    OK = "OK"
    LAGGING = "LAGGING"
    FAILING = "FAILING"
    ACTION_REQUIRED = "ACTION_REQUIRED"
    IDLE = "IDLE"

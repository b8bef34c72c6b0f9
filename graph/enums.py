"""Describes the domain's enums, value by value, and adds them to the API."""

from enum import Enum
from typing import TypeVar

import strawberry

from graph.strawberry_internals import enum_values
from models import enums
from models.refusals import ErrorCode
from models.scheduling.availability import SlotReason

E = TypeVar("E", bound=type[Enum])


def _described(enum: E, description: str, *, name: str | None = None, **values: str) -> E:
    """Adds an enum of the domain to the API. Raises KeyError or ValueError unless it describes exactly its values."""
    strawberry.enum(enum, name=name, description=description)
    for value in enum_values(enum):
        value.description = values.pop(value.name)
    if values:
        raise ValueError(f"{enum.__name__} has no {', '.join(values)}")
    return enum


_described(
    enums.Role,
    "What an API key may do.",
    ADMIN="Everything, Google connections and settings included.",
    STAFF="Options, services, bookings and the calendar. Sees how synchronisation goes, may not change connections.",
    PUBLIC="May ship in an app: sees what the public may see, books, and manages a booking by its manage token.",
)
_described(
    enums.OptionKind,
    "What kind of thing is booked.",
    PERSON="Somebody: a hairdresser, a doctor, a teacher.",
    ROOM="A room or a place.",
    VEHICLE="A car, a boat, a bicycle.",
    EQUIPMENT="A machine or a tool.",
    OTHER="Anything else.",
)
_described(
    enums.Weekday,
    "A day of the week.",
    **{day.name: f"{day.name.capitalize()}." for day in enums.Weekday},
)
_described(
    enums.BookingStatus,
    "Where a booking stands.",
    CONFIRMED="It stands: the slot is taken.",
    CANCELLED="It was called off, for good. Its slot is free again.",
    COMPLETED="The customer came.",
    NO_SHOW="The customer did not come.",
)
_described(
    enums.BookingOrderField,
    "What a list of bookings is ordered by.",
    START="When they begin.",
    CREATED_AT="When they were made.",
    UPDATED_AT="When they were last changed.",
)
_described(
    enums.OrderDirection,
    "Which way a list is ordered.",
    ASC="Earliest first.",
    DESC="Latest first.",
)
_described(
    enums.ChangeAction,
    "What a change means to a client that keeps a copy.",
    UPSERTED="Put `entry` in place of what you had under its id.",
    REMOVED="Drop what you had under `entryId`.",
    RESET="Your cursor is older than what is kept: query the calendar again and subscribe from its cursor.",
)
_described(
    enums.GoogleAccountState,
    "Whether a Google account's consent still works.",
    CONNECTED="Everything is as it should be.",
    RECONNECT_REQUIRED="Google no longer accepts the consent: somebody has to sign in again.",
    SCOPES_MISSING="Not every permission was granted: sign in again and tick them all.",
)
_described(
    enums.GoogleAccessRole,
    "What a Google account may do with a calendar.",
    OWNER="Everything.",
    WRITER="Read and write events.",
    WRITER_WITHOUT_PRIVATE_ACCESS="Read and write events, but not see private ones.",
    READER="Read events: the calendar can block, bookings cannot be mirrored to it.",
    FREE_BUSY_READER="See when it is busy, nothing more: the calendar can block, bookings cannot be mirrored to it.",
)
_described(
    enums.Blocking,
    "Which busy events of the calendar make this option unavailable.",
    ALL_EVENTS="All of them.",
    MATCHED_EVENTS="Those that name this option, by its matchers.",
    NO_EVENTS="None: bookings go to the calendar, nothing comes back.",
)
_described(
    enums.UnroutedEvents,
    "For a shared calendar: what an event does that no option's matchers claim.",
    BLOCK_ALL="It blocks every option that waits for matched events.",
    BLOCK_NONE="It blocks nobody.",
)
_described(
    enums.MatcherField,
    "Where a matcher looks.",
    TITLE="In the event's title.",
    DESCRIPTION="In the event's description.",
    LOCATION="In the event's location.",
    ATTENDEE="Among the mail addresses of its guests and organiser.",
    COLOR="At the event's colour.",
)
_described(
    enums.AllDayEvents,
    "What an all-day event does.",
    AS_MARKED="It blocks when it is marked busy in Google.",
    ALWAYS_BLOCK="It blocks, whatever it is marked as.",
    NEVER_BLOCK="It never blocks.",
)
_described(
    enums.EventDetail,
    "How much of a Google event is kept and shown to staff.",
    FULL="Title, times and what else staff may see. Private events show only that they are busy.",
    BUSY_ONLY="Only that it is busy.",
)
_described(
    enums.MirrorAs,
    "How mirrored bookings appear in Google.",
    BUSY="As busy time.",
    FREE="As free time, so that they block nobody who shares the calendar in other tools.",
)
_described(
    enums.MirrorState,
    "How far a booking is in Google.",
    PENDING="On its way.",
    MIRRORED="Google shows it as it is here.",
    FAILED="Google refused it: see the error.",
    NOT_LINKED="Its option is not linked to a calendar that can be written to.",
)
_described(
    enums.Drift,
    "How somebody last changed a mirrored booking in Google. It was put right; the booking never changes.",
    NONE="Not at all.",
    MOVED="It was moved.",
    DELETED="It was deleted.",
    EDITED="Its text was edited.",
)
_described(
    enums.HealthState,
    "How one direction of synchronisation does.",
    OK="In step.",
    LAGGING="Behind, and catching up.",
    FAILING="Attempts fail; they go on by themselves.",
    ACTION_REQUIRED="Somebody has to do something: see the error.",
    IDLE="Nothing to do: no calendar is chosen, or it may only be read (see the error).",
)
_described(
    ErrorCode,
    "Why something was refused. Clients must expect new values.",
    name="UserErrorCode",
    INVALID_INPUT="A field is wrong: `path` names it.",
    NOT_FOUND="There is no such thing here.",
    FORBIDDEN="This key may not do that.",
    STALE_VERSION="It has changed since you read it: look again.",
    IDEMPOTENCY_MISMATCH="The idempotency key was used with another input.",
    SLOT_TAKEN="The time is taken.",
    OUTSIDE_OPENING_HOURS="The time is outside the opening hours.",
    NOT_ON_SLOT_GRID="No booking starts at this time.",
    IN_THE_PAST="The time has passed.",
    TOO_SHORT_NOTICE="The time is sooner than the service allows.",
    BEYOND_HORIZON="The time is further ahead than can be booked yet.",
    SERVICE_NOT_OFFERED="The option does not offer the service.",
    INACTIVE="The option or the service can no longer be booked.",
    HOLD_EXPIRED="The hold has lapsed or was used.",
    TOO_MANY_HOLDS="Too many slots are held at once.",
    ALREADY_CANCELLED="The booking is cancelled.",
    NOT_CHANGEABLE="The booking cannot be changed that way any more.",
    UNKNOWN_PLACEHOLDER="A template uses a keyword that does not exist.",
    GOOGLE_NOT_CONNECTED="The option has not signed in with Google.",
    GOOGLE_RECONNECT_REQUIRED="The Google account has to sign in again.",
    GOOGLE_CALENDAR_READ_ONLY="The calendar cannot be written to.",
    GOOGLE_UNAVAILABLE="Google cannot be reached, or sign-in is not set up here.",
)
_described(
    SlotReason,
    "Why a slot cannot be booked. Clients must expect new values.",
    name="SlotReasonCode",
    BUSY="The option is busy. A public key sees this for everything that takes time.",
    BUSY_BOOKING="A booking takes the time.",
    BUSY_HOLD="The time is held for a customer.",
    BUSY_TIME_OFF="The option has time off.",
    BUSY_GOOGLE="An event in Google Calendar takes the time.",
    OUTSIDE_OPENING_HOURS="The option is not open for the whole duration.",
    NOT_ON_SLOT_GRID="No booking of the service starts at this time.",
    IN_THE_PAST="The time has passed.",
    TOO_SHORT_NOTICE="The time is sooner than the service allows.",
    BEYOND_HORIZON="The time is further ahead than can be booked yet.",
    SERVICE_NOT_OFFERED="The option does not offer the service.",
    INACTIVE="The option or the service is not active.",
)

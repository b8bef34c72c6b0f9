"""How the options are tied to Google: signed in, linked, unlinked, disconnected. Through the door, as clients do it."""

from datetime import timedelta

from models.bookings.booking import Booking
from models.enums import AllDayEvents, Blocking, EventDetail, GoogleAccountState, MatcherField, MirrorAs, UnroutedEvents
from models.google.tables import GoogleAccount
from models.refusals import Refused
from sync.service import LinkChoices, Matcher
from tests.served import ticket_in
from tests.sync.sandbox.sandbox_client import BEN
from tests.world.dice import Dice
from tests.world.sync.model import CALENDARS, SyncModel

_MATCHERS = (
    Matcher(MatcherField.TITLE, "Anna"),
    Matcher(MatcherField.TITLE, "ben"),
    Matcher(MatcherField.TITLE, "CARL"),
    Matcher(MatcherField.LOCATION, "red room"),
    Matcher(MatcherField.COLOR, "5"),
    Matcher(MatcherField.ATTENDEE, BEN),
)


async def link(town: SyncModel, dice: Dice) -> str | None:
    """An option is tied to a calendar, or to the same one by other rules."""
    name = dice.choice(list(town.options))
    connection = (await town.connections()).get(town.options[name])
    if connection is None:
        return None
    calendar = dice.choice(CALENDARS[connection.account.email])
    return await tie(town, name, calendar, _choices(dice))


async def change_rules(town: SyncModel, dice: Dice) -> str | None:
    """Another rule for the calendar an option is tied to."""
    name = dice.choice(list(town.options))
    connection = (await town.connections()).get(town.options[name])
    if connection is None or connection.calendar is None:
        return None
    if connection.calendar.google_id not in CALENDARS[connection.account.email]:
        return None
    return await tie(town, name, connection.calendar.google_id, _choices(dice))


async def unlink(town: SyncModel, dice: Dice) -> str | None:
    name, keeps = dice.choice(list(town.options)), dice.random() < 0.3
    option_id = town.options[name]
    connection = (await town.connections()).get(option_id)
    if connection is None or connection.calendar is None:
        return None
    return await _unlink(town, name, keeps)


async def _unlink(town: SyncModel, name: str, keeps: bool) -> str | None:
    option_id = town.options[name]
    if keeps:
        # Also what of its bookings was still to be removed elsewhere.
        bookings = await Booking.filter(option_id=option_id).values("id")
        town.kept |= {(calendar, str(row["id"])) for row in bookings for calendar in town.floor.sandbox.calendars}
    answer = await town.floor.door.unlink(town.business_id, option_id, keeps)
    return None if isinstance(answer, Refused) else f"unlink {name}, events {'kept' if keeps else 'removed'}"


async def leave_behind(town: SyncModel, dice: Dice) -> str | None:
    """An option leaves its events behind in its calendar, and its bookings go on."""
    name = dice.choice(list(town.options))
    connection = (await town.connections()).get(town.options[name])
    if connection is None or connection.calendar is None:
        return None
    town.abandoned[name] = connection.calendar.google_id
    await _unlink(town, name, keeps=True)
    deeds = [await dice.choice([town.cancel, town.cancel, town.move, town.book])(dice) for _ in range(2)]
    return f"{name} left its events in {connection.calendar.google_id}: {deeds}"


async def come_back(town: SyncModel, dice: Dice) -> str | None:
    """An option, or another one, comes to a calendar in which events were left behind."""
    if not town.abandoned:
        return None
    left = dice.choice(sorted(town.abandoned))
    name = dice.choice([left, left, *town.options])
    connection = (await town.connections()).get(town.options[name])
    if connection is None or town.abandoned[left] not in CALENDARS[connection.account.email]:
        return None
    return await tie(town, name, town.abandoned.pop(left), _choices(dice))


async def move_out(town: SyncModel, dice: Dice) -> str | None:
    """An option whose calendar is taken from it is tied to another one, before its events could be removed."""
    connection = (await town.connections()).get(town.options["Ben"])
    if connection is None or connection.calendar is None or connection.account.email != BEN:
        return None
    if connection.calendar.google_id == BEN or not town.has_access:
        return None
    taken = await town.take_access(dice)
    tied = await tie(town, "Ben", BEN, _choices(dice))
    await town.pass_time(timedelta(minutes=13))
    await town.crew.settle(together=False)
    return f"{taken}; {tied}; {town.give_access() if dice.random() < 0.5 else 'for a while'}"


async def disconnect(town: SyncModel, dice: Dice) -> str | None:
    accounts = await GoogleAccount.filter(business_id=town.business_id, leaving_at__isnull=True).order_by("email")
    if not accounts:
        return None
    account = dice.choice(accounts)
    dead = account.email in town.revoked or account.state != GoogleAccountState.CONNECTED
    if dead or (account.email == BEN and not town.has_access):
        await town.give_up(account.email)
    town.doubtful.add(account.email)
    answer = await town.floor.door.disconnect(town.business_id, account.id)
    assert not isinstance(answer, Refused)
    return f"disconnect {account.email}"


async def sign_in(town: SyncModel, dice: Dice) -> str | None:
    name = dice.choice(list(town.options))
    return await sign_in_as(town, name, dice.choice(list(CALENDARS)))


async def sign_in_as(town: SyncModel, name: str, email: str) -> str | None:
    """None when Google did not let the person through."""
    back = await town.floor.sign_in(town.options[name], email)
    if "google_ticket" not in back:
        return None
    town.revoked.discard(email)
    answer = await town.floor.door.complete_sign_in(town.business_id, ticket_in(back))
    return None if isinstance(answer, Refused) else f"{email} signs in for {name}"


async def revoke(town: SyncModel, dice: Dice) -> str | None:
    """A person takes back what they granted."""
    email = dice.choice(list(CALENDARS))
    if not await GoogleAccount.filter(business_id=town.business_id, email=email).exists():
        return None
    if await GoogleAccount.filter(business_id=town.business_id, email=email, leaving_at__isnull=False).exists():
        await town.give_up(email)
    town.floor.sandbox.revoke(email)
    town.revoked.add(email)
    town.doubtful.add(email)
    return f"{email} revokes the grant"


async def sync_now(town: SyncModel, dice: Dice) -> str | None:
    name = dice.choice(list(town.options))
    answer = await town.floor.door.sync_now(town.business_id, town.options[name])
    return None if isinstance(answer, Refused) else f"sync {name} now"


async def freshen(town: SyncModel, dice: Dice) -> str:
    """What goes before a confirmation: the option's calendar is read, for as long as a customer waits."""
    name = dice.choice(list(town.options))
    await town.floor.door.freshen(town.options[name])
    return f"freshen {name}"


async def tie(town: SyncModel, name: str, calendar: str, choices: LinkChoices) -> str | None:
    """Links, and looks that it shows."""
    answer = await town.floor.door.link(town.business_id, town.options[name], calendar, choices)
    if isinstance(answer, Refused):
        return None
    shown = (await town.connections())[town.options[name]].calendar
    assert shown
    assert shown.google_id == calendar
    return f"link {name} to {calendar}: {choices}"


def _choices(dice: Dice) -> LinkChoices:
    return LinkChoices(
        blocking=dice.choice([*Blocking, Blocking.MATCHED_EVENTS, None]),
        matchers=tuple(dice.sample(_MATCHERS, dice.randint(1, 3))),
        unrouted_events=dice.choice(list(UnroutedEvents)),
        all_day_events=dice.choice(list(AllDayEvents)),
        detail=dice.choice([EventDetail.FULL, EventDetail.FULL, EventDetail.BUSY_ONLY]),
        mirror_as=dice.choice(list(MirrorAs)),
    )

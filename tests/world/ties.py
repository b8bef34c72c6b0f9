"""How the options are tied to Google: signed in, linked, unlinked, disconnected. Through the door, as clients do it."""

from models.booking import Booking
from models.google import GoogleAccount
from models.refusals import Refused
from models.words import AllDayEvents, Blocking, EventDetail, GoogleAccountState, MatcherField, MirrorAs, UnroutedEvents
from sync.service import LinkChoices, Matcher
from tests.served import ticket_in
from tests.sync.sandbox.doors import BEN
from tests.world.dice import Dice
from tests.world.town import CALENDARS, Town

_MATCHERS = (
    Matcher(MatcherField.TITLE, "Anna"),
    Matcher(MatcherField.TITLE, "ben"),
    Matcher(MatcherField.TITLE, "CARL"),
    Matcher(MatcherField.LOCATION, "red room"),
    Matcher(MatcherField.COLOR, "5"),
    Matcher(MatcherField.ATTENDEE, BEN),
)


async def link(town: Town, dice: Dice) -> str | None:
    """An option is tied to a calendar, or to the same one by other rules."""
    name = dice.choice(list(town.options))
    connection = (await town.connections()).get(town.options[name])
    if connection is None:
        return None
    calendar = dice.choice(CALENDARS[connection.account.email])
    return await tie(town, name, calendar, _choices(dice))


async def change_rules(town: Town, dice: Dice) -> str | None:
    """Another rule for the calendar an option is tied to."""
    name = dice.choice(list(town.options))
    connection = (await town.connections()).get(town.options[name])
    if connection is None or connection.calendar is None:
        return None
    if connection.calendar.google_id not in CALENDARS[connection.account.email]:
        return None
    return await tie(town, name, connection.calendar.google_id, _choices(dice))


async def unlink(town: Town, dice: Dice) -> str | None:
    name, keeps = dice.choice(list(town.options)), dice.random() < 0.3
    option_id = town.options[name]
    connection = (await town.connections()).get(option_id)
    if connection is None or connection.calendar is None:
        return None
    if keeps:
        # Also what of its bookings was still to be removed elsewhere.
        bookings = await Booking.filter(option_id=option_id).values("id")
        town.kept |= {(calendar, str(row["id"])) for row in bookings for calendar in town.floor.sandbox.calendars}
    answer = await town.floor.door.unlink(town.business_id, option_id, keeps)
    return None if isinstance(answer, Refused) else f"unlink {name}, events {'kept' if keeps else 'removed'}"


async def disconnect(town: Town, dice: Dice) -> str | None:
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


async def sign_in(town: Town, dice: Dice) -> str | None:
    name = dice.choice(list(town.options))
    return await sign_in_as(town, name, dice.choice(list(CALENDARS)))


async def sign_in_as(town: Town, name: str, email: str) -> str | None:
    """None when Google did not let the person through."""
    back = await town.floor.sign_in(town.options[name], email)
    if "google_ticket" not in back:
        return None
    town.revoked.discard(email)
    answer = await town.floor.door.complete_sign_in(town.business_id, ticket_in(back))
    return None if isinstance(answer, Refused) else f"{email} signs in for {name}"


async def revoke(town: Town, dice: Dice) -> str | None:
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


async def sync_now(town: Town, dice: Dice) -> str | None:
    name = dice.choice(list(town.options))
    answer = await town.floor.door.sync_now(town.business_id, town.options[name])
    return None if isinstance(answer, Refused) else f"sync {name} now"


async def freshen(town: Town, dice: Dice) -> str:
    """What goes before a confirmation: the option's calendar is read, for as long as a customer waits."""
    name = dice.choice(list(town.options))
    await town.floor.door.freshen(town.options[name])
    return f"freshen {name}"


async def tie(town: Town, name: str, calendar: str, choices: LinkChoices) -> str | None:
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

"""What comes from Google, and what links and rules make of it, takes no time that the log does not tell of."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from models import clock
from models.enums import AllDayEvents, Blocking, ChangeAction, ChangeKind, MatcherField, UnroutedEvents
from models.google.event import GoogleEvent
from models.google.tables import GoogleAccount, GoogleCalendar, GoogleLink
from models.refusals import Refused
from models.scheduling.affected_time import NO_TIME
from models.scheduling.intervals import Interval, interval
from models.storage.db import Row
from sync.accounts import disconnect as leaving
from sync.accounts import link as linking
from sync.accounts.link import LinkChoices
from sync.google_api.translate import GoogleOccurrence
from sync.leases import Direction, Lease
from sync.pull import routing
from sync.pull import rows as pulling
from sync.pull.block_rules import Matcher
from sync.pull.machine import Apply, Root
from sync.pull.redaction import Redaction
from tests.models.log.log_check import telling
from tests.sync import rows
from tests.sync.google_event import EVENT
from tests.world.bookings.test_booking_world import BEGIN, EXPLORING, Stage, staged

VEIL = Redaction(rows.SECRETS.veil)
HOUR = timedelta(hours=1)
NINE = datetime(2030, 4, 1, 9, tzinfo=UTC)
GOOGLE_IDS = ("shop@example.com", "private@example.com")
SERIES = "series"

LUNCH = replace(EVENT, google_id="lunch", starts_at=NINE, ends_at=NINE + HOUR, title="Lunch")


@dataclass(frozen=True)
class Household:
    """Two options, each signed in with an account of its own; both accounts see the same two calendars."""

    business_id: UUID
    options: Sequence[UUID]
    accounts: Sequence[UUID]
    calendars: Sequence[UUID]

    @classmethod
    async def made(cls) -> "Household":
        business_id = await rows.a_business()
        options = [await rows.an_option(business_id, name) for name in ("Anna", "Ben")]
        accounts = [await rows.an_account(business_id) for _ in options]
        calendars = [
            await rows.a_calendar(business_id, account, google_id) for account in accounts for google_id in GOOGLE_IDS
        ]
        home = cls(business_id, options, accounts, calendars)
        await home.sign_in()
        for option_id in options:
            await rows.a_booking(business_id, option_id, NINE)
            await home.link(option_id, GOOGLE_IDS[0], LinkChoices())
        await home.decide()
        return home

    async def sign_in(self) -> None:
        """Both people sign in, again if need be."""
        await GoogleAccount.filter(id__in=list(self.accounts)).update(leaving_at=None)
        for option_id, account_id in zip(self.options, self.accounts, strict=True):
            if not await GoogleLink.filter(option_id=option_id).exists():
                await rows.a_link(self.business_id, option_id, account_id, None)

    async def link(self, option_id: UUID, google_id: str, choices: LinkChoices) -> None:
        assert not isinstance(await linking.link(self.business_id, option_id, google_id, choices), Refused)

    async def decide(self) -> None:
        """What events block is decided anew wherever links or rules have changed."""
        for calendar_id in self.calendars:
            await routing.reroute(await self.lease(calendar_id), VEIL)

    async def pull(self, calendar_id: UUID, *seen: GoogleOccurrence, roots: Sequence[Root] = ()) -> None:
        await pulling.apply(await self.lease(calendar_id), VEIL, [Apply(rows=seen, roots=tuple(roots))])

    async def lease(self, calendar_id: UUID) -> Lease:
        """The calendar, ours to write, with a token of today's rules."""
        calendar, version = GoogleCalendar.filter(id=calendar_id), (await routing.read_routes(calendar_id)).version
        token = uuid4()
        await calendar.update(pull_lease=token, sync_token=str(token), query_version=version)
        row = await calendar.get()
        return Lease(row.business_id, row.id, row.account_id, Direction.PULL, token, clock.now())


@pytest.mark.usefixtures("database")
async def test_an_event_touches_what_it_blocks_and_blocked_before() -> None:
    home = await Household.made()
    calendar, later = home.calendars[0], NINE + 50 * HOUR
    moved = replace(LUNCH, starts_at=later, ends_at=later + HOUR)
    steps = [
        (ChangeAction.UPSERTED, LUNCH, interval(NINE, NINE + HOUR)),
        (ChangeAction.UPSERTED, moved, interval(NINE, later + HOUR)),
        (ChangeAction.UPSERTED, replace(moved, title="Dentist"), NO_TIME),
        (ChangeAction.UPSERTED, replace(moved, busy=False), interval(later, later + HOUR)),
        (ChangeAction.UPSERTED, replace(LUNCH, busy=False), NO_TIME),
        (ChangeAction.UPSERTED, LUNCH, interval(NINE, NINE + HOUR)),
    ]
    for action, event, touched in steps:
        async with telling(home.business_id, home.options) as log:
            await home.pull(calendar, event)
        assert _of_events(log) == [(action, sorted(map(str, home.options)), touched)]
        assert all(_during(row) == NO_TIME for row in log if row["kind"] == ChangeKind.BOOKING)
    async with telling(home.business_id, home.options) as log:
        await home.pull(calendar, roots=[Root(LUNCH.google_id)])
    assert _of_events(log) == [(ChangeAction.REMOVED, sorted(map(str, home.options)), interval(NINE, NINE + HOUR))]


@pytest.mark.usefixtures("database")
async def test_a_rule_touches_what_each_event_blocks_otherwise_by_it() -> None:
    home = await Household.made()
    await home.pull(home.calendars[0], LUNCH, replace(LUNCH, google_id="bens", title="Ben", ends_at=NINE + 5 * HOUR))
    named = LinkChoices(blocking=Blocking.MATCHED_EVENTS, matchers=(Matcher(MatcherField.TITLE, "Ben"),))
    await home.link(home.options[1], GOOGLE_IDS[0], replace(named, unrouted_events=UnroutedEvents.BLOCK_NONE))
    async with telling(home.business_id, home.options) as log:
        await home.decide()
    assert [touched for *_, touched in _of_events(log)] == [interval(NINE, NINE + HOUR)], "lunch is Anna's alone now"


@pytest.mark.usefixtures("database")
async def test_an_event_that_stays_behind_when_its_calendar_is_followed_otherwise_still_tells_whom_it_blocked() -> None:
    home = await Household.made()
    shared, own = home.calendars[0], home.calendars[2]
    await home.pull(shared, LUNCH)
    await home.pull(own, replace(LUNCH, google_id="later", starts_at=NINE + HOUR, ends_at=NINE + 2 * HOUR))
    await leaving.disconnect(home.business_id, home.accounts[0])
    async with telling(home.business_id, home.options) as log:
        await home.decide()
    gone = (ChangeAction.REMOVED, [str(home.options[1])], interval(NINE, NINE + HOUR))
    assert gone in _of_events(log)


def _of_events(log: Sequence[Row]) -> list[tuple[str, list[str], Interval]]:
    """The changes of events: action, options, and the time they touch."""
    events = [row for row in log if row["kind"] == ChangeKind.GOOGLE_EVENT]
    return [(row["action"], row["option_ids"], _during(row)) for row in events]


def _during(row: Row) -> Interval:
    return interval(row["touches_from"], row["touches_to"])


def _event(number: int, quarter: int, length: int, title: str, kind: str) -> GoogleOccurrence:
    """One of a few events: they meet the bookings at nine, and each other. Three of them are of one series."""
    start = NINE + quarter * HOUR / 4
    return replace(
        LUNCH,
        google_id=f"e{number}",
        master_id=SERIES if number > 2 else None,
        starts_at=start,
        ends_at=start + length * HOUR / 4,
        title=title,
        all_day=kind == "all day",
        busy=kind != "free",
    )


numbers = st.integers(0, 5)
events = st.builds(
    _event,
    numbers,
    st.integers(-8, 8) | st.integers(-200, 200),
    st.integers(0, 12),
    st.sampled_from(["Anna", "Ben", "Anna and Ben", "Doctor"]),
    st.sampled_from(["busy", "busy", "free", "all day"]),
)
listings = st.lists(events, min_size=1, max_size=4, unique_by=lambda event: event.google_id)
roots = st.builds(Root, numbers.map(lambda number: f"e{number}")) | st.builds(
    Root, st.just(SERIES), st.frozensets(st.sampled_from(["e3", "e4", "e5"]))
)
choices = st.builds(
    LinkChoices,
    st.none() | st.sampled_from(Blocking),
    st.none() | st.sampled_from(["Anna", "Ben"]).map(lambda word: (Matcher(MatcherField.TITLE, word),)),
    st.none() | st.sampled_from(UnroutedEvents),
    st.none() | st.sampled_from(AllDayEvents),
).filter(lambda each: each.blocking is not Blocking.MATCHED_EVENTS or each.matchers is not None)
people = st.integers(0, 1)
calendars = st.sampled_from([0, 0, 0, 1, 2, 3])


class GoogleWorld(RuleBasedStateMachine):
    """Pulls, links and rules in any order; after every step the log is compared with busy time."""

    stage: Stage

    @initialize()
    def begin(self) -> None:
        self.stage.now = BEGIN
        self.home = self.stage.run(Household.made())

    @rule(calendar=calendars, listing=listings)
    def pull(self, calendar: int, listing: list[GoogleOccurrence]) -> None:
        self.stage.run(self._pull(calendar, listing, ()))

    @rule(calendar=calendars, root=roots)
    def lose(self, calendar: int, root: Root) -> None:
        self.stage.run(self._pull(calendar, (), [root]))

    async def _pull(self, calendar: int, listing: Sequence[GoogleOccurrence], roots: Sequence[Root]) -> None:
        async with telling(self.home.business_id, self.home.options):
            await self.home.pull(self.home.calendars[calendar], *listing, roots=roots)

    @rule(calendar=calendars, number=numbers)
    def sweep(self, calendar: int, number: int) -> None:
        self.stage.run(self._sweep(self.home.calendars[calendar], f"e{number}"))

    async def _sweep(self, calendar_id: UUID, google_id: str) -> None:
        unseen = await GoogleEvent.filter(calendar_id=calendar_id, google_id=google_id)
        async with telling(self.home.business_id, self.home.options):
            await pulling.drop(await self.home.lease(calendar_id), [row.id for row in unseen])

    @rule(person=people, google_id=st.sampled_from(GOOGLE_IDS), choices=choices)
    def link(self, person: int, google_id: str, choices: LinkChoices) -> None:
        self.stage.run(self._link(self.home.options[person], google_id, choices))

    async def _link(self, option_id: UUID, google_id: str, choices: LinkChoices) -> None:
        async with telling(self.home.business_id, self.home.options):
            await self.home.link(option_id, google_id, choices)

    @rule()
    def decide(self) -> None:
        self.stage.run(self._decide())

    async def _decide(self) -> None:
        async with telling(self.home.business_id, self.home.options):
            await self.home.decide()

    @rule(person=people, keep=st.booleans())
    def unlink(self, person: int, keep: bool) -> None:
        self.stage.run(self._unlink(self.home.options[person], keep))

    async def _unlink(self, option_id: UUID, keep: bool) -> None:
        async with telling(self.home.business_id, self.home.options):
            await linking.unlink(self.home.business_id, option_id, keep)

    @rule(person=people)
    def disconnect(self, person: int) -> None:
        self.stage.run(self._disconnect(self.home.accounts[person]))

    async def _disconnect(self, account_id: UUID) -> None:
        async with telling(self.home.business_id, self.home.options):
            await leaving.disconnect(self.home.business_id, account_id)
        await self.home.sign_in()


def test_nothing_of_google_takes_or_gives_back_time_that_the_log_does_not_tell_of(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with staged(sqlite_url, monkeypatch) as GoogleWorld.stage:
        run_state_machine_as_test(GoogleWorld, settings=settings(EXPLORING, max_examples=25, stateful_step_count=25))

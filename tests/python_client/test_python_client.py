"""A generated Python client, over gql, runs everything that the three clients send.

One story: staff furnish, an admin connects Google, a customer books by the app, staff look after it, all is undone.
"""

import asyncio
from contextlib import aclosing
from datetime import UTC, date, datetime, time

import pytest
from gql.transport.exceptions import TransportQueryError
from pydantic import ValidationError

from tests.graph.connected_shop import ANNAS
from tests.graph.shop import MONDAY, OSLO, at
from tests.operations import operations
from tests.python_client.clients import WINDOW, Clients, moment, seen
from tests.served import consent, ticket_in
from tests.stage import PATIENCE

A_DATE = date(2027, 7, 5)
"""Within the year that the operation `SetDateOverride` shows."""


async def test_every_operation_runs_through_a_generated_python_client(clients: Clients) -> None:
    async with asyncio.timeout(PATIENCE):
        await _staff_furnish(clients)
        await _staff_close_a_day(clients)
        await _an_admin_writes_templates(clients)
        account = await _an_admin_connects_google(clients)
        await _staff_see_the_doctor(clients)
        booking, token = await _a_customer_books(clients)
        await _the_customer_moves(clients, booking, token)
        await _staff_look_after(clients, booking)
        await _all_is_cancelled(clients, booking, token)
        await _an_admin_disconnects_google(clients, account)
    assert clients.ran() == set(operations())


async def _staff_furnish(clients: Clients) -> None:
    """A new service, a new option that offers it, and what the dashboard's first page then shows."""
    made, staff = clients.made, clients.staff
    price = made.MoneyInput(amount="450.00", currency="NOK")
    new = made.CreateServiceInput(name="Massage", duration_minutes=60, price=price)
    service = (await staff.create_service(input=new)).service
    room = made.CreateOptionInput(name="Blue room", kind=made.OptionKind.ROOM, service_ids=[service.id])
    option = (await staff.create_option(input=room)).option
    hours = made.OpeningHoursInput(weekday=made.Weekday.MONDAY, opens=time(9, 30), closes=time(17))
    opened = await staff.set_opening_hours(
        input=made.SetOpeningHoursInput(option_id=option.id, opening_hours=[hours]),
    )
    (opening,) = opened.option.opening_hours
    assert (opening.weekday, opening.opens, opening.closes) == (made.Weekday.MONDAY, time(9, 30), time(17))
    changed = made.UpdateOptionInput(option_id=option.id, name="Red room", color="#aa0000", time_zone=OSLO)
    assert (await staff.update_option(input=changed)).option.time_zone == OSLO
    longer = made.UpdateServiceInput(service_id=service.id, duration_minutes=90)
    assert (await staff.update_service(input=longer)).service.duration_minutes == 90
    home = await staff.home()
    assert home.viewer.role is made.Role.STAFF
    assert [(each.name, each.kind) for each in home.options.nodes] == [
        ("Anna", made.OptionKind.PERSON),
        ("Ben", made.OptionKind.PERSON),
        ("Red room", made.OptionKind.ROOM),
    ]
    assert {each.name: each.price and each.price.amount for each in home.services.nodes}["Massage"] == "450.00"


async def _staff_close_a_day(clients: Clients) -> None:
    """Other hours for a date, and a time off that is lifted again."""
    made, staff, ben = clients.made, clients.staff, clients.town.shop.ben
    short = made.TimeRangeInput(opens=time(10), closes=time(12))
    wanted = made.SetDateOverrideInput(option_id=ben, date=A_DATE, intervals=[short])
    (override,) = (await staff.set_date_override(input=wanted)).option.date_overrides
    assert (override.date, override.intervals[0].closes) == (A_DATE, time(12))
    away = made.CreateTimeOffInput(option_id=ben, start=moment("09:00"), end=moment("12:00"), reason="Dentist")
    time_off = (await staff.create_time_off(input=away)).time_off
    assert isinstance(time_off, made.EntryFieldsTimeOff)
    assert (time_off.start, time_off.reason, time_off.blocks) == (moment("09:00"), "Dentist", True)
    lifted = await staff.delete_time_off(input=made.DeleteTimeOffInput(time_off_id=time_off.id))
    assert lifted.deleted_id == time_off.id


async def _an_admin_writes_templates(clients: Clients) -> None:
    """What bookings are called in Google."""
    made, admin = clients.made, clients.admin
    settings = await admin.google_calendar_settings()
    keyword = next(each for each in settings.placeholders if each.keyword == "customer_name")
    shown = await admin.google_calendar_preview(title="For {customer_name}", description="", location="")
    assert (shown.title, shown.errors) == (f"For {keyword.example}", [])
    wrong = await admin.google_calendar_preview(title="For {nobody}", description="", location="")
    assert [each.code for each in wrong.errors] == [made.UserErrorCode.UNKNOWN_PLACEHOLDER]
    new = made.UpdateGoogleCalendarSettingsInput(title_template="For {customer_name}")
    saved = (await admin.update_google_calendar_settings(input=new)).settings
    assert (saved.title_template, saved.location_template) == ("For {customer_name}", settings.location_template)


async def _an_admin_connects_google(clients: Clients) -> str:
    """Anna signs in, a calendar is chosen, its rule tried, and then linked: the account's id."""
    made, admin, anna = clients.made, clients.admin, clients.town.shop.anna
    clients.town.put(at("08:00"), at("09:00"), summary="Doctor")
    page = f"{clients.town.shop.served.url}/edit"
    begun = await admin.start_google_sign_in(input=made.StartGoogleSignInInput(option_id=anna, return_to=page))
    ticket = await _consent(clients, begun.authorization_url)
    signed_in = await admin.complete_google_sign_in(input=made.CompleteGoogleSignInInput(ticket=ticket))
    account = signed_in.option.google.account
    assert (account.email, account.state) == (ANNAS, made.GoogleAccountState.CONNECTED)
    (known,) = await admin.google_accounts()
    assert (known.id, known.email, known.state) == (account.id, ANNAS, made.GoogleAccountState.CONNECTED)
    again = made.UseGoogleAccountInput(option_id=anna, account_id=known.id)
    assert (await admin.use_google_account(input=again)).option.google.account.id == known.id
    choices = (await admin.google_calendar_choices(option_id=anna)).google.account.calendars
    assert (choices[0].google_id, choices[0].access_role) == (ANNAS, made.GoogleAccessRole.OWNER)
    rule = {"option_id": anna, "calendar_id": choices[0].google_id, "blocking": made.Blocking.ALL_EVENTS}
    tried = await admin.google_routing_preview(input=made.GoogleRoutingPreviewInput(**rule, **WINDOW))
    assert [(each.title, each.start, each.blocks[0].name) for each in tried.events] == [
        ("Doctor", moment("08:00"), "Anna"),
    ]
    linked = await admin.link_google_calendar(input=made.LinkGoogleCalendarInput(**rule))
    assert linked.option.google.calendar.google_id == ANNAS
    assert linked.option.google.mirror_as is made.MirrorAs.BUSY
    return str(account.id)


async def _consent(clients: Clients, address: str) -> str:
    """Clicks through Google's consent page, as Anna: the ticket with which she is sent back."""
    return ticket_in(await consent(clients.town.shop.served.http, address, decision="allow", account=ANNAS))


async def _staff_see_the_doctor(clients: Clients) -> None:
    """The calendar comes in step, which staff are told, and then shows the event that blocks Anna."""
    made, staff, anna = clients.made, clients.staff, clients.town.shop.anna
    asked = await staff.sync_google_calendar(input=made.SyncGoogleCalendarInput(option_id=anna))
    assert asked.errors == []
    async with aclosing(staff.sync_health_changes(option_ids=[anna])) as stream:
        change = await seen(stream, lambda each: each.option.google.health.inbound.state is made.HealthState.OK)
    assert change.option.google.health.inbound.last_completed_at <= datetime.now(UTC)
    (event,) = (await staff.calendar(**WINDOW)).entries
    assert isinstance(event, made.EntryFieldsGoogleEvent)
    assert (event.title, event.start, event.busy) == ("Doctor", moment("08:00"), True)
    assert [each.id for each in event.blocked_options] == [anna]


async def _a_customer_books(clients: Clients) -> tuple[str, str]:
    """Looks, holds one time, lets it go, holds another and books it: the booking's id and manage token."""
    made, app, anna, haircut = clients.made, clients.app, clients.town.shop.anna, clients.town.shop.haircut
    assert "Haircut" in [each.name for each in (await app.services()).services.nodes]
    wanted = {"service_id": haircut, "option_ids": [anna], "time_zone": OSLO, **WINDOW}
    (day,) = (await app.availability(**wanted)).days
    assert (day.date, day.slots[0].start) == (MONDAY, moment("09:00"))
    async with aclosing(app.availability_changes(**wanted)) as stream:
        first = await anext(stream)
        assert [each.start for each in first.days[0].slots] == [each.start for each in day.slots]
        ten = made.CreateHoldInput(service_id=haircut, option_id=anna, start=moment("10:00"))
        hold = (await app.hold(input=ten)).hold
        assert hold.expires_at > datetime.now(UTC)
        assert moment("10:00") in [each.start for each in day.slots]
        await seen(stream, lambda each: moment("10:00") not in [slot.start for slot in each.days[0].slots])
    released = await app.release(input=made.ReleaseHoldInput(hold_id=hold.id))
    assert released.released_id == hold.id
    hold = (await app.hold(input=made.CreateHoldInput(service_id=haircut, option_id=anna, start=moment("11:00")))).hold
    kari = made.CustomerInput(name="Kari Nordmann", email="kari@example.no")
    booked = await app.book(input=made.CreateBookingInput(hold_id=hold.id, customer=kari, idempotency_key="once"))
    assert isinstance(booked.booking, made.MyBooking)
    assert (booked.booking.status, booked.booking.start) == (made.BookingStatus.CONFIRMED, moment("11:00"))
    taken = made.CreateBookingInput(service_id=haircut, option_id=anna, start=moment("11:00"), customer=kari)
    refused = await app.book(input=taken)
    assert [each.code for each in refused.errors] == [made.UserErrorCode.SLOT_TAKEN]
    # The same time with somebody else comes first, then other times with whom was asked for.
    assert (refused.alternatives[0].start, refused.alternatives[0].options[0].name) == (moment("11:00"), "Ben")
    assert refused.alternatives[1].options[0].name == "Anna"
    return str(booked.booking.id), str(booked.manage_token)


async def _the_customer_moves(clients: Clients, booking: str, token: str) -> None:
    """The app follows its booking, and the dashboard its calendar, while the customer moves it."""
    made, app, staff = clients.made, clients.app, clients.staff
    assert (await app.managed_booking(manage_token=token)).id == booking
    cursor = (await staff.calendar(**WINDOW)).cursor
    async with (
        aclosing(app.booking_changes(manage_token=token)) as mine,
        aclosing(staff.calendar_changes(after=cursor)) as calendar,
    ):
        before = await anext(mine)
        move = made.RescheduleBookingInput(booking_id=booking, manage_token=token, start=moment("13:00"))
        moved = (await app.move(input=move)).booking
        assert (moved.start, moved.version) == (moment("13:00"), before.version + 1)
        assert await seen(mine, lambda each: each.version == moved.version) == moved
        change = await seen(
            calendar,
            lambda each: (each.entry.version, each.entry.mirror.state) == (moved.version, made.MirrorState.MIRRORED),
        )
    assert change.action is made.ChangeAction.UPSERTED
    assert isinstance(change.entry, made.EntryFieldsBooking)
    assert (change.entry_id, change.entry.start, change.entry.mirror.drift) == (
        booking,
        moment("13:00"),
        made.Drift.NONE,
    )
    assert "For Kari Nordmann" in [event.get("summary") for event in clients.town.google.events(ANNAS)]


async def _staff_look_after(clients: Clients, booking: str) -> None:
    """Staff ask why and who, note something, move it to Ben, and find it in the list."""
    made, staff, shop = clients.made, clients.staff, clients.town.shop
    check = await staff.explain_slot(service_id=shop.haircut, option_id=shop.anna, start=moment("13:00"))
    (reason,) = check.reasons
    assert (check.available, reason.code) == (False, made.SlotReasonCode.BUSY_BOOKING)
    assert (reason.entry.id, reason.to) == (booking, moment("14:00"))
    overview = await staff.slot_overview(service_id=shop.haircut, **WINDOW)
    (slot,) = [slot for slot in overview.days[0].slots if slot.start == moment("13:00")]
    assert ([each.id for each in slot.options], slot.unavailable_options[0].id) == ([shop.ben], shop.anna)
    noted = await staff.update_booking(input=made.UpdateBookingInput(booking_id=booking, note="Short, please"))
    assert (noted.booking.note, noted.booking.customer.email) == ("Short, please", "kari@example.no")
    to_ben = made.RescheduleBookingInput(booking_id=booking, option_id=shop.ben, start=moment("15:00"))
    moved = (await staff.reschedule_booking(input=to_ben)).booking
    assert ([each.id for each in moved.options], moved.status) == ([shop.ben], made.BookingStatus.CONFIRMED)
    fits = made.BookingFilter(statuses=[made.BookingStatus.CONFIRMED], query="kari")
    page = await staff.bookings(filter=fits, first=10)
    (edge,) = page.edges
    assert (page.total_count, edge.node.id, edge.node.start) == (1, booking, moment("15:00"))
    assert [each.action for each in edge.node.history] == ["CREATED", "RESCHEDULED", "UPDATED", "RESCHEDULED"]
    assert edge.node.created_at <= edge.node.updated_at
    again = await staff.refetch(id=shop.anna)
    assert isinstance(again, made.RefetchNodeBaseOption)
    assert again.name == "Anna"
    assert [each.typename for each in await staff.refetch_many(ids=[booking, shop.ben])] == ["Booking", "Option"]


async def _all_is_cancelled(clients: Clients, booking: str, token: str) -> None:
    """The customer calls off this booking, staff another."""
    made, shop = clients.made, clients.town.shop
    called_off = await clients.app.cancel(input=made.CancelBookingInput(booking_id=booking, manage_token=token))
    assert called_off.booking.status is made.BookingStatus.CANCELLED
    ola = made.CustomerInput(name="Ola Hansen")
    late = made.CreateBookingInput(service_id=shop.haircut, start=moment("20:00"), customer=ola, override_rules=True)
    another = (await clients.staff.book(input=late)).booking
    cancelled = await clients.staff.cancel_booking(input=made.CancelBookingInput(booking_id=another.id, reason="Ill"))
    assert cancelled.booking.status is made.BookingStatus.CANCELLED
    again = await clients.staff.cancel_booking(input=made.CancelBookingInput(booking_id=another.id))
    assert (again.booking, again.errors[0].code) == (None, made.UserErrorCode.ALREADY_CANCELLED)


async def _an_admin_disconnects_google(clients: Clients, account: str) -> None:
    """Unlinked, the account stays; disconnected, nothing does."""
    made, admin, anna = clients.made, clients.admin, clients.town.shop.anna
    unlinked = await admin.unlink_google_calendar(input=made.UnlinkGoogleCalendarInput(option_id=anna))
    assert (unlinked.option.google.calendar, unlinked.option.google.account.id) == (None, account)
    gone = await admin.disconnect_google_account(input=made.DisconnectGoogleAccountInput(account_id=account))
    assert [each.id for each in gone.options] == [anna]
    assert (await admin.google_calendar_choices(option_id=anna)).google is None


async def test_a_generated_python_client_raises_what_goes_wrong(clients: Clients) -> None:
    made, app = clients.made, clients.app
    with pytest.raises(TransportQueryError) as refused:
        await app.calendar(**WINDOW)
    assert refused.value.errors is not None
    assert refused.value.errors[0]["extensions"]["code"] == "FORBIDDEN"
    with pytest.raises(TransportQueryError) as unknown:
        await anext(app.booking_changes("nonsense"))
    assert unknown.value.errors is not None
    assert unknown.value.errors[0]["extensions"]["code"] == "BAD_USER_INPUT"
    somewhere = datetime.fromisoformat("2027-01-04T09:00")
    with pytest.raises(ValidationError, match="timezone"):
        await app.availability(service_id=clients.town.shop.haircut, from_=somewhere, to=moment("00:00"))
    with pytest.raises(ValidationError, match="holdId"):
        made.ReleaseHoldInput(hold="no such field")
    assert app.ran == set()

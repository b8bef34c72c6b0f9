"""Who may do what: every operation of the clients, sent with each role's key."""

from typing import Any

import pytest
from graphql import OperationType

from tests.graph.access.neighbours import Street
from tests.graph.input.strange_values import known, ordinary
from tests.graph.shop import at
from tests.graph.socket_client import acknowledged, receive, subscribing
from tests.operations import operations

RANK = {"public": 0, "staff": 1, "admin": 2}
FOR_ALL = {
    *("Home", "Services", "Availability", "AvailabilityChanges", "ExplainSlot", "SlotOverview"),
    *("Hold", "Release", "Book", "Refetch", "RefetchMany"),
    # One booking, with its manage token.
    *("ManagedBooking", "Move", "Cancel", "BookingChanges"),
    # What of an option is Google's is null to those who may not see it.
    "GoogleCalendarChoices",
}
FOR_STAFF = {
    *("Calendar", "CalendarChanges", "Bookings", "RescheduleBooking", "UpdateBooking", "CancelBooking"),
    *("CreateOption", "UpdateOption", "SetOpeningHours", "SetDateOverride", "CreateTimeOff", "DeleteTimeOff"),
    *("CreateService", "UpdateService", "SyncHealthChanges", "SyncGoogleCalendar"),
}
FOR_ADMINS = {
    *("StartGoogleSignIn", "CompleteGoogleSignIn", "LinkGoogleCalendar", "UnlinkGoogleCalendar"),
    *("DisconnectGoogleAccount", "GoogleRoutingPreview", "GoogleAccounts", "UseGoogleAccount"),
    *("GoogleCalendarSettings", "GoogleCalendarPreview", "UpdateGoogleCalendarSettings"),
}
WITH_A_TOKEN = {"RescheduleBooking", "CancelBooking"}
"""Mutations that customers send, too, with a manage token. Without one there is no such booking for them."""


def least(operation: str) -> int:
    """The rank of the least role that may use an operation."""
    return 0 if operation in FOR_ALL else 1 if operation in FOR_STAFF else 2


def test_it_is_settled_of_every_operation_who_may_use_it() -> None:
    assert sorted([*FOR_ALL, *FOR_STAFF, *FOR_ADMINS]) == sorted(operations())


def refusals(answer: Any) -> set[str]:
    """The codes in an answer, whether it was refused as a whole or the payload says so."""
    told = {error["extensions"]["code"] for error in answer.get("errors", [])}
    for payload in (answer.get("data") or {}).values():
        if isinstance(payload, dict):
            told |= {error["code"] for error in payload.get("errors", [])}
    return told


@pytest.mark.parametrize("role", RANK)
async def test_a_role_may_do_what_is_its_own_and_is_refused_the_rest(street: Street, role: str) -> None:
    served = street.shop.served
    for name, document in known().items():
        if document.operation is OperationType.SUBSCRIPTION:
            continue
        before = await street.shop.cursor()
        told = refusals(await served.ask(name, role, **ordinary(name, street.usual)))
        allowed = RANK[role] >= least(name)
        if allowed:
            assert "FORBIDDEN" not in told, name
        else:
            assert told == {"NOT_FOUND" if name in WITH_A_TOKEN else "FORBIDDEN"}, name
            assert await street.shop.cursor() == before, name


@pytest.mark.parametrize("role", RANK)
async def test_a_role_may_follow_what_is_its_own(street: Street, role: str) -> None:
    served = street.shop.served
    for name, document in known().items():
        if document.operation is not OperationType.SUBSCRIPTION:
            continue
        variables = {**ordinary(name, street.usual), "after": await street.shop.cursor()}
        async with served.socket(served.keys[role]) as socket:
            await acknowledged(socket)
            await socket.send(subscribing("1", operations()[name], **variables))
            if name == "CalendarChanges" and RANK[role] >= least(name):
                # It begins with the next change, and this is one.
                await street.shop.booked(at("15:00"), optionId=street.shop.ben)
            payload = (await receive(socket))["payload"]
        told = [error["extensions"]["code"] for error in payload.get("errors", [])]
        assert told == ([] if RANK[role] >= least(name) else ["FORBIDDEN"]), name

"""Reads an option's Google calendar again before a booking or a hold, if our rows of it are older than a minute."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from graph.request.context import Info
from models import clock
from models.google import freshness
from models.log.idempotency import IdempotentRequest


async def freshen(
    info: Info, once: IdempotentRequest | None, option_to_take: Callable[[], Awaitable[UUID | None]]
) -> None:
    """Pulls the calendar of the option that a mutation will take, unless we read it within the last minute.

    Calls `option_to_take` for that option only if the business has a stale calendar, and not for a repeated request. A
    pull that takes too long does not stop the mutation; the booking's history records how old our rows were.
    """
    business_id, now = info.context.caller.business_id, clock.now()
    if stale := await freshness.stale_options(business_id, now):
        if once and await once.recall(now) is not None:
            return
        option_id = await option_to_take()
        if option_id and option_id in stale:
            await info.context.state.google.freshen(option_id)

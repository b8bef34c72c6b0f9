"""Freshness before a confirmation: the one time that booking waits for Google, and not for long."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from graph.request.context import Info
from models import clock
from models.google import freshness
from models.log.idempotency import IdempotentRequest


async def freshen(info: Info, once: IdempotentRequest | None, foreseen: Callable[[], Awaitable[UUID | None]]) -> None:
    """Has the calendar of the option that is about to be taken read again, unless it was read within a minute.

    `foreseen` says which option that is; it is asked only if some calendar of the business was not read lately, and
    not for what was answered already. What could not be read in time stands in nobody's way: the booking's history
    says so.
    """
    business_id, now = info.context.caller.business_id, clock.now()
    if stale := await freshness.stale_options(business_id, now):
        if once and await once.recall(now) is not None:
            return
        option_id = await foreseen()
        if option_id and option_id in stale:
            await info.context.state.google.freshen(option_id)

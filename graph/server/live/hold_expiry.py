"""Holds lapse by themselves: whichever processes run, each looks, and the first to see one says so."""

import asyncio
import logging

from models import clock
from models.bookings import hold
from models.storage.outage import Outage, looking

log = logging.getLogger("timebok.lapsing")

LOOK_SECONDS = 2.0
"""How often to look: dashboards hear of a lapse within five seconds."""


async def lapse() -> None:
    """Says of lapsed holds that they are gone, for as long as it runs."""
    outage = Outage(log, "the database")
    while True:
        with looking(outage, log, "could not look for lapsed holds"):
            await hold.sweep_lapsed(clock.now())
        await asyncio.sleep(LOOK_SECONDS)

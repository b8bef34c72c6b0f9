"""Holds lapse by themselves: whichever processes run, each looks, and the first to see one says so."""

import asyncio
import logging

from models import clock, hold

log = logging.getLogger("timebok.lapsing")

LOOK_SECONDS = 2.0
"""How often to look: dashboards hear of a lapse within five seconds."""


async def lapse() -> None:
    """Says of lapsed holds that they are gone, for as long as it runs."""
    while True:
        try:
            await hold.sweep_lapsed(clock.now())
        except Exception:
            # The database is away, most likely: the next look will tell.
            log.exception("could not look for lapsed holds")
        await asyncio.sleep(LOOK_SECONDS)

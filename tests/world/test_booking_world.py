"""A business in which anything may happen in any order: whatever was answered, the invariants hold after each step."""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from itertools import count
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from models import changes, changing, clock, db, hold, holding, option, reserving, service, timeoff
from models.agenda import offer_of
from models.booking import Booking, BookingHistory
from models.claim import Claim
from models.hold import Hold
from models.holding import Keeping
from models.hours import TimeRange
from models.idempotency import KEPT, Once
from models.intervals import Interval, to_datetime, to_instant
from models.key import Caller
from models.refusals import Refused
from models.reserving import Wish
from models.words import BookingStatus, Role
from tests.models import invariants
from tests.models.rows import a_business, a_caller, a_service, an_option, done, told
from tests.world.ledger import MINUTE, Ledger, Lengths, Range, Taken

T = TypeVar("T")

OSLO = ZoneInfo("Europe/Oslo")
BEGIN = datetime(2030, 3, 30, 5, tzinfo=UTC)
"""A Saturday morning; the clocks in Oslo go forward the night after."""

GOOGLE_DAYS = 400
HOLD_SECONDS = 600
OPTIONS, SERVICES = 3, 2

any_option = st.integers(0, OPTIONS - 1)
maybe_option = st.none() | any_option
any_service = st.integers(0, SERVICES - 1)
any_start = st.builds(lambda day, quarter: BEGIN + timedelta(days=day, minutes=15 * quarter), st.integers(0, 2), st.integers(0, 60))
any_role = st.sampled_from([Role.STAFF, Role.STAFF, Role.PUBLIC])
seldom = st.sampled_from([False, False, False, True])

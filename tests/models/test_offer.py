"""Which slots are offered instead of one that cannot be had, and in which order."""

from uuid import UUID

import pytest

from models.availability import Agenda, Rules
from models.hours import Schedule, TimeRange, zone_of
from models.intervals import Interval, done
from models.offer import Offer

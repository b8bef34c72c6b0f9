"""Hypothesis without a stopwatch: on a machine that is busy with something else, slow is not wrong."""

from hypothesis import HealthCheck, settings

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

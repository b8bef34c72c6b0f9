"""Checks the values that the command line gives for a business, and changes one."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from models import checks
from models.business import Business
from models.enums import ChangeAction, ChangeKind
from models.google import mirror
from models.log import change_log

_SLUG = re.compile(r"[a-z0-9-]{1,63}")
_ORIGIN = re.compile(r"https?://[^/?#@\s\\]+")
_BOOKING_URL = re.compile(r"https?://[^\s<>\"\\]+")
_LONGEST_URL = 500


def validate(values: Mapping[str, Any]) -> dict[str, str]:
    """Returns for each wrong column the rest of a sentence that says what its value must be."""
    problems = {
        "slug": not _SLUG.fullmatch(values.get("slug", "x")) and "must be 1 to 63 of a-z, 0-9 and -",
        "name": checks.name(values.get("name", "x")) and "must have 1 to 200 characters",
        "time_zone": checks.find_time_zone(values.get("time_zone", "UTC")) is None and "must be an IANA name",
        "booking_url": _booking_url(values.get("booking_url")),
        "origins": any(not (_ORIGIN.fullmatch(each) and _has_host(each)) for each in values.get("origins", ()))
        and "must look like https://app.example",
    }
    return {column: problem for column, problem in problems.items() if problem}


def _booking_url(url: str | None) -> str | None:
    """Says what is wrong with the address of the customer's page, which mails and calendars show as a link."""
    if url is None:
        return None
    if not _BOOKING_URL.fullmatch(url) or not _has_host(url):
        return "must look like https://book.example/{token}"
    if "{token}" not in url:
        return "must contain {token}"
    return f"must have at most {_LONGEST_URL} characters" if len(url) > _LONGEST_URL else None


def _has_host(url: str) -> bool:
    try:
        split = urlsplit(url)
        return bool(split.hostname) and split.port != 0
    except ValueError:
        return False


async def update(business_id: UUID, values: Mapping[str, Any]) -> None:
    """Changes these columns of a business, and wants its mirrors rendered anew, since they may show them."""

    async def body(work: change_log.LoggedTransaction) -> None:
        await Business.filter(id=business_id).update(**values)
        work.record(ChangeKind.BUSINESS, business_id, ChangeAction.UPSERTED)
        await mirror.rerender_all(work)

    await change_log.write(business_id, body)

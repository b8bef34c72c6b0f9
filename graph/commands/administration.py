"""What operators keep up: businesses, API keys and secret keys. Each prints one line of JSON for each row."""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from graph.commands.exit_status import WrongArgumentError
from models import api_key, business, checks
from models.actions import register_business
from models.enums import Role
from models.google import tables
from models.log import notifier
from models.settings import Settings, WrongSettingError, need_secret_keys, need_whole_client, read
from models.storage import db
from models.storage.migrate import mind_strangers
from models.storage.probe import probe
from models.storage.secrets import Secrets, new_secret_key


def read_with_keys() -> Settings:
    """The settings, for what cannot do without a secret key. Raises WrongSettingError."""
    settings = read()
    need_secret_keys(settings)
    return settings


def read_to_run() -> Settings:
    """The settings, for what runs web or sync. Raises WrongSettingError."""
    settings = read_with_keys()
    need_whole_client(settings)
    return settings


def _say(**values: Any) -> None:
    """Prints one line of JSON."""
    sys.stdout.write(json.dumps(values, default=str, ensure_ascii=False) + "\n")


def _in_database(work: Callable[[], Awaitable[None]], *, ring: bool = True) -> None:
    """Runs something with the database open and the bell hung."""
    settings = read()

    async def run() -> None:
        await probe(settings.database_url, new=False)
        async with db.opened(settings.database_url) as connection:
            await mind_strangers(connection)
            if not ring:
                await work()
                return
            async with notifier.opened(settings.bell_url) as hung:
                await work()
                await hung.flushed()

    asyncio.run(run())


def business_create(options: argparse.Namespace) -> None:
    """A new business."""
    values = _business_values(options)

    async def work() -> None:
        if await business.by_slug(options.slug):
            raise WrongArgumentError(f"--slug: {options.slug} is taken")
        _say(id=await business.create(options.slug, **values), slug=options.slug)

    _in_database(work, ring=False)


def business_update(options: argparse.Namespace) -> None:
    """Changes what is given of a business."""
    values = _business_values(options)

    async def work() -> None:
        business_id = await _business(options.slug)
        if values:
            await register_business.update(business_id, values)
        _say(id=business_id, slug=options.slug)

    _in_database(work)


def _business_values(options: argparse.Namespace) -> dict[str, Any]:
    """The given values of a business, as its columns. Raises WrongArgumentError."""
    names = ("name", "time_zone", "language", "booking_url")
    values = {name: value for name in names if (value := getattr(options, name)) is not None}
    if options.origin is not None:
        values["origins"] = [each.rstrip("/") for each in options.origin]
    for column, said in register_business.validate({"slug": options.slug, **values}).items():
        argument = "origin" if column == "origins" else column.replace("_", "-")
        raise WrongArgumentError(f"--{argument}: {said}")
    return values


def business_list(_: argparse.Namespace) -> None:
    """Every business."""

    async def work() -> None:
        for row in await business.listed():
            _say(**row)

    _in_database(work, ring=False)


async def _business(slug: str) -> UUID:
    found = await business.by_slug(slug)
    if found is None:
        raise WrongArgumentError(f"there is no business {slug}; `timebok business list` shows those there are")
    return found


def key_create(options: argparse.Namespace) -> None:
    """A new key, which is shown this once."""
    if options.name and checks.name(options.name):
        raise WrongArgumentError(f"--name: must have 1 to {checks.NAME_LENGTH} characters")

    async def work() -> None:
        role = Role(options.role.upper())
        key_id, plain = await api_key.create(await _business(options.business), role, options.name or options.role)
        _say(id=key_id, key=plain)

    _in_database(work)


def key_revoke(options: argparse.Namespace) -> None:
    """Revokes a key, open sockets included."""

    async def work() -> None:
        try:
            found = await api_key.revoke(UUID(options.id))
        except ValueError:
            found = False
        if not found:
            raise WrongArgumentError(f"there is no key {options.id}; `timebok key list --business SLUG` shows the ids")
        _say(id=options.id)

    _in_database(work)


def key_list(options: argparse.Namespace) -> None:
    """A business's keys."""

    async def work() -> None:
        for row in await api_key.listed(await _business(options.business)):
            _say(**row)

    _in_database(work, ring=False)


def secrets_new(_: argparse.Namespace) -> None:
    """Prints a secret key."""
    sys.stdout.write(new_secret_key() + "\n")


def secrets_rotate(_: argparse.Namespace) -> None:
    """Encrypts everything anew with the first secret key. Raises WrongSettingError for what no key opens."""
    secrets = Secrets(read_with_keys().secret_keys)

    async def work() -> None:
        rotated, lost = await tables.rotate(secrets)
        _say(rotated=rotated)
        if lost:
            raise WrongSettingError(
                f"TIMEBOK_SECRET_KEYS: no key opens what is stored of {lost} Google accounts; add the key it was "
                "encrypted with, or have these accounts connected again"
            )

    _in_database(work, ring=False)

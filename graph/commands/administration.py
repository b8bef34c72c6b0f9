"""The commands for businesses, API keys and secret keys. They print a line of JSON for each row."""

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
from models.settings import Settings, WrongSettingError, read, require_secret_keys, require_whole_client
from models.storage import db
from models.storage.migrate import mind_strangers
from models.storage.probe import probe
from models.storage.secrets import Secrets, new_secret_key


def read_with_keys() -> Settings:
    """Reads the settings for a command that needs a secret key. Raises WrongSettingError without one."""
    settings = read()
    require_secret_keys(settings)
    return settings


def read_to_run() -> Settings:
    """Reads the settings for a command that runs web or sync. Raises WrongSettingError for one that it cannot use."""
    settings = read_with_keys()
    require_whole_client(settings)
    return settings


def _print_row(**values: Any) -> None:
    """Prints one line of JSON."""
    sys.stdout.write(json.dumps(values, default=str, ensure_ascii=False) + "\n")


def _in_database(work: Callable[[], Awaitable[None]], *, ring: bool = True) -> None:
    """Runs `work` with the database open; with `ring`, also with a bell that tells other processes of its changes."""
    settings = read()

    async def run() -> None:
        await probe(settings.database_url, new=False)
        async with db.opened(settings.database_url) as connection:
            await mind_strangers(connection)
            if not ring:
                await work()
                return
            async with notifier.open_notifier(settings.bell_url) as bell:
                await work()
                await bell.flush()

    asyncio.run(run())


def business_create(options: argparse.Namespace) -> None:
    """`timebok business create`: creates a business."""
    values = _business_values(options)

    async def work() -> None:
        if await business.by_slug(options.slug):
            raise WrongArgumentError(f"--slug: {options.slug} is taken")
        _print_row(id=await business.create(options.slug, **values), slug=options.slug)

    _in_database(work, ring=False)


def business_update(options: argparse.Namespace) -> None:
    """`timebok business update`: changes the given values of a business."""
    values = _business_values(options)

    async def work() -> None:
        business_id = await _business(options.slug)
        if values:
            await register_business.update(business_id, values)
        _print_row(id=business_id, slug=options.slug)

    _in_database(work)


def _business_values(options: argparse.Namespace) -> dict[str, Any]:
    """Returns the given values of a business as its columns. Raises WrongArgumentError for a wrong one."""
    names = ("name", "time_zone", "language", "booking_url")
    values = {name: value for name in names if (value := getattr(options, name)) is not None}
    if options.origin is not None:
        values["origins"] = [each.rstrip("/") for each in options.origin]
    for column, problem in register_business.validate({"slug": options.slug, **values}).items():
        argument = "origin" if column == "origins" else column.replace("_", "-")
        raise WrongArgumentError(f"--{argument}: {problem}")
    return values


def business_list(_: argparse.Namespace) -> None:
    """`timebok business list`: prints every business."""

    async def work() -> None:
        for row in await business.list_businesses():
            _print_row(**row)

    _in_database(work, ring=False)


async def _business(slug: str) -> UUID:
    found = await business.by_slug(slug)
    if found is None:
        raise WrongArgumentError(f"there is no business {slug}; `timebok business list` shows those there are")
    return found


def key_create(options: argparse.Namespace) -> None:
    """`timebok key create`: creates a key and prints it, this one time."""
    if options.name and checks.name(options.name):
        raise WrongArgumentError(f"--name: must have 1 to {checks.NAME_LENGTH} characters")

    async def work() -> None:
        role = Role(options.role.upper())
        key_id, plain = await api_key.create(await _business(options.business), role, options.name or options.role)
        _print_row(id=key_id, key=plain)

    _in_database(work)


def key_revoke(options: argparse.Namespace) -> None:
    """`timebok key revoke`: revokes a key and closes its open sockets."""

    async def work() -> None:
        try:
            found = await api_key.revoke(UUID(options.id))
        except ValueError:
            found = False
        if not found:
            raise WrongArgumentError(f"there is no key {options.id}; `timebok key list --business SLUG` shows the ids")
        _print_row(id=options.id)

    _in_database(work)


def key_list(options: argparse.Namespace) -> None:
    """`timebok key list`: prints a business's keys."""

    async def work() -> None:
        for row in await api_key.list_keys(await _business(options.business)):
            _print_row(**row)

    _in_database(work, ring=False)


def secrets_new(_: argparse.Namespace) -> None:
    """`timebok secrets new`: prints a new secret key."""
    sys.stdout.write(new_secret_key() + "\n")


def secrets_rotate(_: argparse.Namespace) -> None:
    """`timebok secrets rotate`: encrypts tokens with the first secret key. Raises WrongSettingError for lost ones."""
    secrets = Secrets(read_with_keys().secret_keys)

    async def work() -> None:
        rotated, lost = await tables.rotate(secrets)
        _print_row(rotated=rotated)
        if lost:
            raise WrongSettingError(
                f"TIMEBOK_SECRET_KEYS: no key opens what is stored of {lost} Google accounts; add the key it was "
                "encrypted with, or have these accounts connected again"
            )

    _in_database(work, ring=False)

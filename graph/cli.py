"""The command line: `timebok <command>`. Exit status 0; 2 for a wrong setting or argument, 1 for anything else; both
with one line that says why.
"""

import argparse
import asyncio
import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, NoReturn
from uuid import UUID

from graph.exit_status import FAILED, WRONG, WrongArgumentError, told
from models import bell, business, checks, db, google, key, registering
from models.migrating import migrate
from models.probe import probe
from models.secret import Secrets, new_secret_key
from models.settings import Settings, WrongSettingError, need_secret_keys, read
from models.words import Role

Command = Callable[[argparse.Namespace], None]

_DEBUG = "show where in the program something went wrong"
_INTERRUPTED = 130
_NO_TEXT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
"""Control characters, and what stands for bytes that are no UTF-8."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The entry point of the `timebok` command."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for loud in ("tortoise", "aiosqlite", "asyncio"):
        logging.getLogger(loud).setLevel(logging.WARNING)
    options = _parser().parse_args(arguments)
    try:
        _mind_characters(options)
        options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read what was printed has read enough. Nothing is left for Python to write at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except Exception as error:
        if options.debug:
            traceback.print_exc()
        status, line = told(error)
        sys.stderr.write(f"timebok: {line}\n")
        sys.exit(status)
    sys.exit(0)


def _mind_characters(options: argparse.Namespace) -> None:
    """Raises WrongArgumentError for an argument that is no text."""
    for name, value in vars(options).items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, str) and _NO_TEXT.search(each):
                raise WrongArgumentError(f"--{name.replace('_', '-')}: {each!a} has characters that are no text")


def commands() -> list[str]:
    """The commands, with their actions: `serve`, `business create`."""
    found = []
    for name, command in _choices(_parser()).items():
        found += [f"{name} {action}" for action in _choices(command)] or [name]
    return found


def _choices(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """What may follow: the sub-commands of a parser."""
    groups = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    return dict(groups[0].choices) if groups else {}


class _Parser(argparse.ArgumentParser):
    """Names what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(WRONG, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port: 1 to 65535")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="timebok", description="A booking service with a GraphQL API.")
    parser.add_argument("--debug", action="store_true", help=_DEBUG)
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, run: Command, about: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=about, description=about)
        command.set_defaults(run=run)
        command.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=_DEBUG)
        return command

    demo = add("demo", _demo, "show everything: a demo business, web, sync and a stand-in for Google")
    demo.add_argument("--port", type=_port, default=8000)
    demo.add_argument("--google-port", type=_port, default=8001)
    demo.add_argument("--data", metavar="DIR", help="where to keep the data (default: a temporary folder)")
    serve = add("serve", _serve, "migrate, then serve the API, and sync in the same process")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=_port, default=8000)
    serve.add_argument("--no-sync", action="store_true", help="leave Google to `timebok sync` processes")
    add("sync", _sync, "a sync worker by itself; any number may run")
    sandbox = add("sandbox", _sandbox, "the stand-in for Google alone")
    sandbox.add_argument("--port", type=_port, default=8001)
    add("migrate", _migrate, "bring the database up to date; safe from many places at once")
    add("schema", _schema, "print the schema; needs no settings and no database")
    _add_business(add("business", _business_create, "make, change and list businesses"))
    _add_key(add("key", _key_create, "make, revoke and list API keys"))
    secrets = add("secrets", _secrets_new, "make and rotate the server's secret keys")
    _actions(
        secrets,
        {
            "new": (_secrets_new, "print a key for TIMEBOK_SECRET_KEYS"),
            "rotate": (_secrets_rotate, "encrypt everything anew with the first key"),
        },
    )
    return parser


def _actions(
    command: argparse.ArgumentParser, actions: dict[str, tuple[Command, str]]
) -> dict[str, argparse.ArgumentParser]:
    """Gives a command its actions."""
    group = command.add_subparsers(required=True, metavar="action")
    made = {}
    for name, (run, about) in actions.items():
        made[name] = group.add_parser(name, help=about, description=about)
        made[name].set_defaults(run=run)
        made[name].add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=_DEBUG)
    return made


def _add_business(command: argparse.ArgumentParser) -> None:
    made = _actions(
        command,
        {
            "create": (_business_create, "a new business"),
            "update": (_business_update, "change a business"),
            "list": (_business_list, "every business, a line of JSON each"),
        },
    )
    for name in ("create", "update"):
        made[name].add_argument("--slug", required=True)
        made[name].add_argument("--name", required=name == "create")
        made[name].add_argument("--time-zone", required=name == "create", metavar="ZONE")
        made[name].add_argument("--origin", action="append", metavar="ORIGIN", help="where its dashboard lives; repeat")
        made[name].add_argument("--language", choices=("en", "nb"))
        made[name].add_argument("--booking-url", metavar="URL", help="the customer's page, with {token}")


def _add_key(command: argparse.ArgumentParser) -> None:
    made = _actions(
        command,
        {
            "create": (_key_create, "a new key, shown this once"),
            "revoke": (_key_revoke, "revoke a key, open sockets included"),
            "list": (_key_list, "a business's keys, a line of JSON each"),
        },
    )
    for name in ("create", "list"):
        made[name].add_argument("--business", required=True, metavar="SLUG")
    made["create"].add_argument("--role", required=True, choices=[role.lower() for role in Role])
    made["create"].add_argument("--name", default="")
    made["revoke"].add_argument("id")


def _say(**values: Any) -> None:
    """Prints one line of JSON."""
    sys.stdout.write(json.dumps(values, default=str, ensure_ascii=False) + "\n")


def _in_database(work: Callable[[], Awaitable[None]], *, ring: bool = True) -> None:
    """Runs something with the database open and the bell hung."""
    settings = read()

    async def run() -> None:
        await probe(settings.database_url, new=False)
        async with db.opened(settings.database_url):
            if not ring:
                await work()
                return
            async with bell.hung(settings.bell_url) as hung:
                await work()
                await hung.flushed()

    asyncio.run(run())


def _usable(settings: Settings) -> Settings:
    need_secret_keys(settings)
    return settings


def _run(work: Coroutine[Any, Any, None]) -> None:
    # What serves takes its time to import, and most commands do not.
    from graph.serving import run

    run(work)


def _demo(options: argparse.Namespace) -> None:
    from graph.demo import demonstrate

    _run(demonstrate(options.port, options.google_port, options.data))


def _serve(options: argparse.Namespace) -> None:
    from graph.running import serve_web

    _run(serve_web(_usable(read()), options.host, options.port, sync=not options.no_sync))


def _sync(_: argparse.Namespace) -> None:
    from graph.running import work

    _run(work(_usable(read())))


def _sandbox(options: argparse.Namespace) -> None:
    from graph.demo import run_sandbox

    _run(run_sandbox(options.port))


def _migrate(_: argparse.Namespace) -> None:
    asyncio.run(migrate(read().database_url))


def _schema(_: argparse.Namespace) -> None:
    from graph.schema import sdl

    sys.stdout.write(sdl())


def _business_create(options: argparse.Namespace) -> None:
    values = _business_values(options)

    async def work() -> None:
        if await business.by_slug(options.slug):
            raise WrongArgumentError(f"--slug: {options.slug} is taken")
        _say(id=await business.create(options.slug, **values), slug=options.slug)

    _in_database(work, ring=False)


def _business_update(options: argparse.Namespace) -> None:
    values = _business_values(options)

    async def work() -> None:
        business_id = await _business(options.slug)
        if values:
            await registering.update(business_id, values)
        _say(id=business_id, slug=options.slug)

    _in_database(work)


def _business_values(options: argparse.Namespace) -> dict[str, Any]:
    """The given values of a business, as its columns. Raises WrongArgumentError."""
    names = ("name", "time_zone", "language", "booking_url")
    values = {name: value for name in names if (value := getattr(options, name)) is not None}
    if options.origin is not None:
        values["origins"] = [each.rstrip("/") for each in options.origin]
    for column, said in registering.judge({"slug": options.slug, **values}).items():
        argument = "origin" if column == "origins" else column.replace("_", "-")
        raise WrongArgumentError(f"--{argument}: {said}")
    return values


def _business_list(_: argparse.Namespace) -> None:
    async def work() -> None:
        for row in await business.listed():
            _say(**row)

    _in_database(work, ring=False)


async def _business(slug: str) -> UUID:
    found = await business.by_slug(slug)
    if found is None:
        raise WrongArgumentError(f"there is no business {slug}")
    return found


def _key_create(options: argparse.Namespace) -> None:
    if options.name and checks.name(options.name):
        raise WrongArgumentError(f"--name: must have 1 to {checks.NAME_LENGTH} characters")

    async def work() -> None:
        role = Role(options.role.upper())
        key_id, plain = await key.create(await _business(options.business), role, options.name or options.role)
        _say(id=key_id, key=plain)

    _in_database(work)


def _key_revoke(options: argparse.Namespace) -> None:
    async def work() -> None:
        try:
            found = await key.revoke(UUID(options.id))
        except ValueError:
            found = False
        if not found:
            raise WrongArgumentError(f"there is no key {options.id}")
        _say(id=options.id)

    _in_database(work)


def _key_list(options: argparse.Namespace) -> None:
    async def work() -> None:
        for row in await key.listed(await _business(options.business)):
            _say(**row)

    _in_database(work, ring=False)


def _secrets_new(_: argparse.Namespace) -> None:
    sys.stdout.write(new_secret_key() + "\n")


def _secrets_rotate(_: argparse.Namespace) -> None:
    secrets = Secrets(_usable(read()).secret_keys)

    async def work() -> None:
        rotated, lost = await google.rotate(secrets)
        _say(rotated=rotated)
        if lost:
            raise WrongSettingError(
                f"TIMEBOK_SECRET_KEYS: no key opens what is stored of {lost} Google accounts; add the key it was "
                "encrypted with, or have these accounts connected again"
            )

    _in_database(work, ring=False)

"""The command line. Exit status 0; 2 for a wrong setting or argument, else 1, with one line that says why."""

import argparse
import asyncio
import logging
import os
import re
import sys
import traceback
from collections.abc import Callable, Coroutine, Sequence
from importlib.metadata import version
from typing import Any, NoReturn

from graph.commands import administration
from graph.commands.administration import read_to_run
from graph.commands.exit_status import FAILED, WRONG, WrongArgumentError, status_and_message
from models.enums import Role
from models.settings import read
from models.storage.migrate import migrate

Command = Callable[[argparse.Namespace], None]

_DEBUG = "show where in the program something went wrong"
_NOTHING_CHOSEN = "the following arguments are required: command"
_INTERRUPTED = 130
_NO_TEXT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
"""Control characters, and the surrogates that Python puts in place of bytes that are no UTF-8."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line and exits."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for loud in ("tortoise", "aiosqlite", "asyncio"):
        logging.getLogger(loud).setLevel(logging.WARNING)
    options = _parser().parse_args(arguments)
    try:
        _check_characters(options)
        options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output has closed it. Python would fail to flush the rest at exit, so that goes to
        # /dev/null.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except Exception as error:
        if options.debug:
            traceback.print_exc()
        status, line = status_and_message(error)
        sys.stderr.write(f"timebok: {line}\n")
        sys.exit(status)
    sys.exit(0)


def _check_characters(options: argparse.Namespace) -> None:
    """Raises WrongArgumentError for an argument with characters that are no text."""
    for name, value in vars(options).items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, str) and _NO_TEXT.search(each):
                raise WrongArgumentError(f"--{name.replace('_', '-')}: {each!a} has characters that are no text")


def commands() -> list[str]:
    """Returns all commands with their actions: `serve`, `business create`."""
    found = []
    for name, command in _choices(_parser()).items():
        found += [f"{name} {action}" for action in _choices(command)] or [name]
    return found


def _choices(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Returns the sub-commands of a parser."""
    groups = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    return dict(groups[0].choices) if groups else {}


class _Parser(argparse.ArgumentParser):
    """A parser that reports a wrong argument in one line."""

    def error(self, message: str) -> NoReturn:
        if message == _NOTHING_CHOSEN and (choices := _choices(self)):
            message = f"name a command: {', '.join(choices)}"
        self.exit(WRONG, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port: 1 to 65535")
    return int(text)


def _folder(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("names no folder")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="timebok", description="A booking service with a GraphQL API.")
    parser.add_argument("--debug", action="store_true", help=_DEBUG)
    parser.add_argument("--version", action="version", version=f"timebok {version('timebok')}")
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, run: Command, about: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=about, description=about)
        command.set_defaults(run=run)
        command.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=_DEBUG)
        return command

    def add_port(command: argparse.ArgumentParser, name: str, port: int, what: str) -> None:
        about = f"where {what} listens (default: %(default)s)"
        command.add_argument(name, type=_port, default=port, metavar="PORT", help=about)

    demo = add("demo", _demo, "show everything: a demo business, web, sync and a stand-in for Google")
    add_port(demo, "--port", 8000, "the API")
    add_port(demo, "--google-port", 8001, "the stand-in for Google")
    demo.add_argument(
        "--data", type=_folder, metavar="DIR", help="where to keep the data (default: a temporary folder)"
    )
    serve = add("serve", _serve, "migrate, then serve the API, and sync in the same process")
    serve.add_argument(
        "--host",
        default="127.0.0.1",
        help="the address of this machine to listen on; 0.0.0.0: all (default: %(default)s)",
    )
    add_port(serve, "--port", 8000, "the API")
    serve.add_argument("--no-sync", action="store_true", help="leave Google to `timebok sync` processes")
    add("sync", _sync, "a sync worker by itself; any number may run")
    sandbox = add("sandbox", _sandbox, "the stand-in for Google alone")
    add_port(sandbox, "--port", 8001, "the stand-in for Google")
    add("migrate", _migrate, "bring the database up to date; safe from many places at once")
    add("schema", _schema, "print the schema; needs no settings and no database")
    _add_business(add("business", administration.business_create, "create, change and list businesses"))
    _add_key(add("key", administration.key_create, "create, revoke and list API keys"))
    secrets = add("secrets", administration.secrets_new, "make and rotate the server's secret keys")
    _actions(
        secrets,
        {
            "new": (administration.secrets_new, "print a key for TIMEBOK_SECRET_KEYS"),
            "rotate": (administration.secrets_rotate, "encrypt all stored tokens anew with the first key"),
        },
    )
    return parser


def _actions(
    command: argparse.ArgumentParser, actions: dict[str, tuple[Command, str]]
) -> dict[str, argparse.ArgumentParser]:
    """Gives a command its actions."""
    group = command.add_subparsers(required=True, metavar="command")
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
            "create": (administration.business_create, "create a business"),
            "update": (administration.business_update, "change a business"),
            "list": (administration.business_list, "print every business, a line of JSON each"),
        },
    )
    for name in ("create", "update"):
        new = name == "create"
        made[name].add_argument("--slug", required=True, help="its short name: a-z, 0-9 and -" if new else "which one")
        made[name].add_argument("--name", required=new, help="its name, for people")
        made[name].add_argument("--time-zone", required=new, metavar="ZONE", help="an IANA name such as Europe/Oslo")
        made[name].add_argument(
            "--origin",
            action="append",
            metavar="ORIGIN",
            help="where its dashboard lives, such as https://app.example; repeat it for several"
            + ("" if new else ". Those that are given replace all that there were"),
        )
        made[name].add_argument(
            "--language",
            choices=("en", "nb"),
            help="of the texts that go to customers and into Google; what the API says goes by Accept-Language"
            + (" (default: en)" if new else ""),
        )
        made[name].add_argument("--booking-url", metavar="URL", help="the customer's page, with {token}")


def _add_key(command: argparse.ArgumentParser) -> None:
    made = _actions(
        command,
        {
            "create": (administration.key_create, "create a key, and print it this one time"),
            "revoke": (administration.key_revoke, "revoke a key, and close its open sockets"),
            "list": (administration.key_list, "print a business's keys, a line of JSON each"),
        },
    )
    for name in ("create", "list"):
        made[name].add_argument("--business", required=True, metavar="SLUG", help="the business's slug")
    made["create"].add_argument(
        "--role", required=True, choices=[role.lower() for role in Role], help="what the key may do"
    )
    made["create"].add_argument("--name", default="", help="what `key list` calls it (default: its role)")
    made["revoke"].add_argument("id", help="the key's id, as `key list` shows it")


def _run(work: Coroutine[Any, Any, None]) -> None:
    # Importing the server takes time, which most commands need not spend.
    from graph.commands.serve import run

    run(work)


def _demo(options: argparse.Namespace) -> None:
    from graph.commands.demo.run import demonstrate

    _run(demonstrate(options.port, options.google_port, options.data))


def _serve(options: argparse.Namespace) -> None:
    settings = read_to_run()
    from graph.commands.process import serve_web

    _run(serve_web(settings, options.host, options.port, sync=not options.no_sync))


def _sync(_: argparse.Namespace) -> None:
    settings = read_to_run()
    from graph.commands.process import run_worker

    _run(run_worker(settings))


def _sandbox(options: argparse.Namespace) -> None:
    from graph.commands.demo.run import run_sandbox

    _run(run_sandbox(options.port))


def _migrate(_: argparse.Namespace) -> None:
    asyncio.run(migrate(read().database_url))


def _schema(_: argparse.Namespace) -> None:
    from graph.schema import sdl

    sys.stdout.write(sdl())

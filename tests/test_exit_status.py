"""What is wrong at the start is one line and an exit status, for every command: 2 for what has to be put right, 1 for
what may be well another time.

Every command is judged in this process; of each kind of failure some are a process of their own, which has to end.
"""

import asyncio
import fcntl
import json
import re
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from graph.commands.cli import commands, main
from graph.commands.exit_status import status_and_message
from models.google.tables import GoogleAccount
from models.storage import db, probe
from models.storage.probe import SilentDatabaseError
from models.storage.secrets import Secrets, new_secret_key
from sync.google_api.scopes import ASKED
from tests.command import TIMEBOK, Ended, environment, judged, timebok
from tests.models.rows import a_business
from tests.stage import PATIENCE, free_port

KEY = new_secret_key()
CREATE = ("business", "create", "--slug", "a", "--name", "A", "--time-zone", "UTC")

WITH_A_DATABASE = (
    ("serve",),
    ("sync",),
    ("migrate",),
    ("business", "list"),
    CREATE,
    ("business", "update", "--slug", "a"),
    ("key", "create", "--business", "a", "--role", "admin"),
    ("key", "revoke", "0192d8a0-0000-7000-8000-000000000000"),
    ("key", "list", "--business", "a"),
    ("secrets", "rotate"),
)
each_command = pytest.mark.parametrize("command", WITH_A_DATABASE, ids=" ".join)


def run(folder: Path, *arguments: str | bytes, by: Callable[..., Ended] = judged, **settings: str) -> Ended:
    """A command with a secret key, on a port of its own where it serves."""
    if arguments[0] == "serve" and "--port" not in arguments:
        arguments = (*arguments, "--port", str(free_port()))
    return by(folder, *arguments, **{"secret_keys": KEY, **settings})


def refused(ended: Ended, status: int, *names: str) -> None:
    """Fails unless it ended with that status and one line, which has these words."""
    assert (ended.status, len(ended.complaints), ended.said) == (status, 1, ""), ended
    assert all(name in ended.complaints[0] for name in names), ended


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@each_command
def test_a_file_that_is_no_database_is_named(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "junk.db").write_bytes(b"no database " * 1000)
    (tmp_path / "folder.db").mkdir()
    for url in ("sqlite:///junk.db", "sqlite:///folder.db"):
        refused(run(tmp_path, *command, database_url=url), 2, "TIMEBOK_DATABASE_URL", url.removeprefix("sqlite:///"))


@each_command
def test_a_server_that_is_away_is_named(tmp_path: Path, command: tuple[str, ...]) -> None:
    refused(
        run(tmp_path, *command, database_url=f"postgres://me:geheim@127.0.0.1:{free_port()}/timebok"),
        1,
        "TIMEBOK_DATABASE_URL",
        "127.0.0.1",
    )


def test_a_server_that_never_answers_is_waited_for_no_longer_than_is_said(
    tmp_path: Path, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert probe.SECONDS == 10
    monkeypatch.setattr(probe, "SECONDS", 0.25)
    ended = run(tmp_path, "business", "list", database_url=f"postgres://me:geheim@127.0.0.1:{taken}/timebok")
    refused(ended, 1, "TIMEBOK_DATABASE_URL", "within 0.25 s")


@each_command
def test_a_wrong_name_at_the_server_is_named(tmp_path: Path, postgres_url: str, command: tuple[str, ...]) -> None:
    there = urlsplit(postgres_url)
    url = urlunsplit(there._replace(path="/no_such_database"))
    refused(run(tmp_path, *command, database_url=url), 2, "TIMEBOK_DATABASE_URL", "no_such_database")


def test_a_wrong_user_at_the_server_is_named(tmp_path: Path, postgres_url: str) -> None:
    there = urlsplit(postgres_url)
    host = there.netloc.rpartition("@")[2]
    url = urlunsplit(there._replace(netloc=f"nobody_at_all:geheim@{host}"))
    ended = run(tmp_path, "business", "list", database_url=url)
    refused(ended, 2, "TIMEBOK_DATABASE_URL", "nobody_at_all")
    assert "geheim" not in ended.complaints[0]


@each_command
def test_a_setting_that_is_wrong_or_misspelt_is_named(tmp_path: Path, command: tuple[str, ...]) -> None:
    refused(run(tmp_path, *command, hold_seconds="soon"), 2, "TIMEBOK_HOLD_SECONDS")
    refused(run(tmp_path, *command, hold_second="60"), 2, "TIMEBOK_HOLD_SECOND:", "TIMEBOK_HOLD_SECONDS")
    (tmp_path / ".env").write_bytes(b"\x7fELF\x00\xff")
    refused(run(tmp_path, *command), 2, ".env")
    (tmp_path / ".env").write_text("OTHER=1\nthis is not a line\nTIMEBOK_HOLD_SECONDS 60\n")
    refused(run(tmp_path, *command), 2, ".env: line 2 is not NAME=value")
    (tmp_path / ".env").unlink()
    (tmp_path / ".env").mkdir()
    refused(run(tmp_path, *command), 2, ".env: this is a folder")


def test_the_demo_minds_the_file_of_settings_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("this is not a line\n")
    refused(run(tmp_path, "demo", "--data", "kept"), 2, ".env: line 1 is not NAME=value")


def test_a_command_that_says_nothing_is_told_what_it_may_say(tmp_path: Path) -> None:
    for arguments, names in (
        ((), ("demo", "serve", "sync", "migrate", "business", "key", "secrets")),
        (("business",), ("create", "update", "list")),
        (("secrets",), ("new", "rotate")),
    ):
        refused(judged(tmp_path, *arguments), 2, *names)


def test_every_argument_says_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    for command in commands():
        with pytest.raises(SystemExit):
            main([*command.split(), "--help"])
        told = capsys.readouterr().out.partition("\n\n")[2]
        silent = re.findall(r"^  (-\S+(?: \S+)?)$(?!\n {10})", told, re.MULTILINE)
        assert silent == [], command
    for arguments, words in (
        (["serve"], ("127.0.0.1", "8000")),
        (["business", "update"], ("replace", "customers", "Google")),
    ):
        with pytest.raises(SystemExit):
            main([*arguments, "--help"])
        told = capsys.readouterr().out
        assert [word for word in words if word not in told] == []


def test_a_list_of_businesses_has_all_that_was_said_of_them(tmp_path: Path) -> None:
    run(tmp_path, "migrate")
    said = ("--origin", "https://a.example", "--booking-url", "https://b.example/{token}", "--language", "nb")
    run(tmp_path, *CREATE, *said)
    ended = run(tmp_path, "business", "list")
    (business,) = map(json.loads, ended.said.splitlines())
    assert {name: business[name] for name in ("origins", "booking_url", "language")} == {
        "origins": ["https://a.example"],
        "booking_url": "https://b.example/{token}",
        "language": "nb",
    }


@pytest.mark.parametrize("command", [each for each in WITH_A_DATABASE if each[0] in {"business", "key", "secrets"}])
def test_a_database_that_was_never_migrated_says_what_to_do(tmp_path: Path, command: tuple[str, ...]) -> None:
    refused(run(tmp_path, *command), 2, "TIMEBOK_DATABASE_URL", "timebok migrate")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "timebok.db").touch()
    refused(run(tmp_path, *command), 2, "TIMEBOK_DATABASE_URL", "timebok migrate")


@pytest.mark.parametrize(
    "command", [("serve", "--port"), ("demo", "--port"), ("demo", "--google-port"), ("sandbox", "--port")]
)
def test_a_port_that_cannot_be_had_is_named(tmp_path: Path, taken: int, command: tuple[str, str]) -> None:
    others = ("--port", str(free_port()), "--google-port", str(free_port())) if command[0] == "demo" else ()
    refused(run(tmp_path, command[0], *others, command[1], str(taken), by=timebok), 2, command[1], str(taken))
    for port in ("99999", "-1", "0", "web"):
        refused(run(tmp_path, command[0], *others, command[1], port), 2, command[1], port)
    assert list(tmp_path.iterdir()) == []


def test_one_port_for_two_is_one_too_few(tmp_path: Path) -> None:
    port = str(free_port())
    refused(run(tmp_path, "demo", "--port", port, "--google-port", port), 2, "--google-port", port)


def test_a_host_that_is_not_this_machine_is_named(tmp_path: Path) -> None:
    for host in ("192.0.2.1", "no such host"):
        refused(run(tmp_path, "serve", "--host", host), 2, "--host", host)


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    ports = ("--port", str(free_port()), "--google-port", str(free_port()))
    for data in ("file", "file/below"):
        refused(run(tmp_path, "demo", *ports, "--data", data), 2, f"--data: {data} is no folder")
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "secret.key").write_text("no key")
    refused(run(tmp_path, "demo", *ports, "--data", "kept"), 2, "secret.key")


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)//{token}",
        "JavaScript://book.example/%0aalert(1)//{token}",
        "data:text/html,{token}",
        "book.example/{token}",
        "https:///{token}",
        "https://book.example:99999/{token}",
        "https://book.example/ {token}",
        'https://book.example/"{token}',
        "https://book.example/",
        "https://book.example/{token}" + "x" * 500,
    ],
)
@pytest.mark.parametrize("action", ["create", "update"])
def test_an_address_for_customers_that_is_none_is_refused(tmp_path: Path, action: str, url: str) -> None:
    more = ("--name", "A", "--time-zone", "UTC") if action == "create" else ()
    refused(run(tmp_path, "business", action, "--slug", "a", *more, "--booking-url", url), 2, "--booking-url")


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("business", "create", "--slug", "A", "--name", "A", "--time-zone", "UTC"), "--slug"),
        (("business", "create", "--slug", "a", "--name", " ", "--time-zone", "UTC"), "--name"),
        (("business", "create", "--slug", "a", "--name", b"\xff", "--time-zone", "UTC"), "--name"),
        (("business", "create", "--slug", "a", "--name", "A", "--time-zone", "Nowhere"), "--time-zone"),
        (
            ("business", "create", "--slug", "a", "--name", "A", "--time-zone", "UTC", "--origin", "a.example"),
            "--origin",
        ),
        (("business", "create", "--slug", "a"), "--name"),
        (("key", "create", "--business", "a", "--role", "boss"), "--role"),
        (("key", "create", "--business", "a", "--role", "admin", "--name", "a\tb"), "--name"),
        (("key", "create", "--business", "a", "--role", "admin", "--name", "a" * 201), "--name"),
        (("nonsense",), "nonsense"),
        ((), "command"),
    ],
)
def test_an_argument_that_cannot_be_used_is_named(
    tmp_path: Path, arguments: tuple[str | bytes, ...], name: str
) -> None:
    refused(judged(tmp_path, *arguments, secret_keys=KEY), 2, name)


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (asyncpg.DiskFullError("no space left\non device"), 1, "the database takes no writes: no space left on device"),
        (asyncpg.ReadOnlySQLTransactionError("read-only"), 1, "the database takes no writes: read-only"),
        (ConnectionRefusedError("refused\ntwice"), 1, "the database does not answer: refused twice"),
        (PermissionError(13, "Permission denied", "kept"), 2, "kept cannot be used: Permission denied"),
        (ValueError("one\ntwo"), 1, "ValueError: one two (--debug shows where)"),
        (LookupError(), 1, "LookupError: LookupError (--debug shows where)"),
        (ExceptionGroup("several", [ExceptionGroup("", [SilentDatabaseError("away")])]), 1, "away"),
    ],
)
def test_what_stops_a_command_later_is_one_line_too(error: Exception, status: int, words: str) -> None:
    assert status_and_message(error) == (status, words)


def test_a_process_that_is_refused_ends(tmp_path: Path) -> None:
    """Some of each kind, those that serve among them."""
    (tmp_path / "junk.db").write_bytes(b"no database " * 1000)
    (tmp_path / "folder.db").mkdir()
    away = f"postgres://me:geheim@127.0.0.1:{free_port()}/timebok"
    for status, names, command, settings in (
        (2, ("TIMEBOK_DATABASE_URL", "junk.db"), ("serve",), {"database_url": "sqlite:///junk.db"}),
        (2, ("TIMEBOK_DATABASE_URL", "folder.db"), ("sync",), {"database_url": "sqlite:///folder.db"}),
        (1, ("TIMEBOK_DATABASE_URL", "127.0.0.1"), ("serve",), {"database_url": away}),
        (1, ("TIMEBOK_DATABASE_URL", "127.0.0.1"), ("key", "list", "--business", "a"), {"database_url": away}),
        (2, ("TIMEBOK_DATABASE_URL", "timebok migrate"), ("secrets", "rotate"), {}),
        (2, ("TIMEBOK_HOLD_SECONDS",), ("sync",), {"hold_seconds": "soon"}),
        (2, ("--name",), ("business", "create", "--slug", "a", "--name", b"\xff", "--time-zone", "UTC"), {}),
    ):
        refused(run(tmp_path, *command, by=timebok, **settings), status, *names)


def test_where_in_the_program_is_told_only_when_asked(tmp_path: Path) -> None:
    for arguments in (("--debug", "business", "list"), ("business", "list", "--debug")):
        ended = run(tmp_path, *arguments)
        assert ended.status == 2
        assert ended.complaints[0].startswith("Traceback")
        assert ended.complaints[-1].startswith("timebok: TIMEBOK_DATABASE_URL")


@pytest.mark.parametrize("command", ["serve", "sync"])
async def test_who_waits_for_another_to_migrate_ends_when_told_to(tmp_path: Path, command: str) -> None:
    lock, port = tmp_path / "timebok.db.migrating", free_port()
    more = ("--port", str(port)) if command == "serve" else ()
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        process = await asyncio.create_subprocess_exec(
            *(TIMEBOK, command, *more), cwd=tmp_path, env=environment(secret_keys=KEY), stderr=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.to_thread(_has_opened, process.pid, lock)
                process.send_signal(signal.SIGTERM)
                assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()


def _has_opened(pid: int, file: Path) -> None:
    """Returns once a process has a file open."""
    while True:
        for each in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                if each.readlink() == file:
                    return


async def test_a_lost_secret_key_is_named_and_the_others_are_rotated(tmp_path: Path, sqlite_url: str) -> None:
    lost, old, new = (new_secret_key() for _ in range(3))
    async with db.opened(sqlite_url):
        business_id = await a_business()
        for number, each in enumerate((lost, old, old)):
            await GoogleAccount.create(
                business_id=business_id,
                sub=str(number),
                email="anna@example.com",
                state="CONNECTED",
                scopes=list(ASKED),
                sealed=Secrets((each,)).seal("{}"),
                created_at="2027-03-01T00:00:00Z",
            )
    ended = timebok(tmp_path, "secrets", "rotate", database_url=sqlite_url, secret_keys=f"{new},{old}")
    assert (ended.status, json.loads(ended.said)) == (2, {"rotated": 2})
    assert len(ended.complaints) == 1
    assert ended.complaints[0].startswith("timebok: TIMEBOK_SECRET_KEYS: ")
    ended = timebok(tmp_path, "secrets", "rotate", database_url=sqlite_url, secret_keys=f"{new},{lost}")
    assert (ended.status, json.loads(ended.said), ended.complaints) == (0, {"rotated": 3}, [])

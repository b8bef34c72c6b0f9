"""What somebody meets who starts it for the first time: each command stops when it is told to, from its first moment
on, sends nobody to a wrong address, and touches no database that is not its own.
"""

import asyncio
import signal
import sqlite3
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from graph.commands import administration
from graph.commands.cli import main
from graph.commands.process import run_worker, with_public_url
from models.settings import Settings, WrongSettingError, read
from models.storage import db
from models.storage.migrate import migrate
from models.storage.probe import WrongDatabaseError
from models.storage.secrets import new_secret_key
from tests import postgres
from tests.command import PATIENCE, environment
from tests.stage import free_port

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"TIMEBOK_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)


def files_in(folder: Path) -> list[str]:
    """What lies there."""
    return sorted(each.name for each in folder.iterdir())


@pytest.mark.parametrize("command", ["serve", "sync", "sandbox", "demo"])
async def test_what_is_told_to_stop_while_it_is_still_being_imported_ends_with_status_0(
    tmp_path: Path, command: str
) -> None:
    ports = {"serve": 1, "sandbox": 1, "demo": 2}.get(command, 0)
    more = [text for name in ("--port", "--google-port")[:ports] for text in (name, str(free_port()))]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-X", "importtime", "-m", "graph.commands", command, *more),
        cwd=tmp_path,
        env={**environment(secret_keys=new_secret_key()), "TMPDIR": str(tmp_path)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr
    try:
        async with asyncio.timeout(PATIENCE):
            while not (line := await process.stderr.readline()).rstrip().endswith(b" asyncpg"):
                assert line
            process.send_signal(signal.SIGTERM)
            await process.stderr.read()
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
    assert files_in(tmp_path) == []


def test_the_command_begins_where_signals_are_minded() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["scripts"] == {"timebok": "graph.commands.__main__:main"}


def test_it_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert (ended.value.code, capsys.readouterr().out) == (0, f"timebok {version('timebok')}\n")


def test_an_empty_name_is_no_folder_for_a_demo(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--data", ""])
    assert ended.value.code == 2
    assert "--data" in capsys.readouterr().err
    assert files_in(tmp_path) == []


@pytest.mark.parametrize(
    ("host", "reached", "is_doubted"),
    [
        ("127.0.0.1", "http://127.0.0.1:9000", False),
        ("127.0.0.2", "http://127.0.0.2:9000", False),
        ("::1", "http://[::1]:9000", False),
        ("localhost", "http://localhost:9000", False),
        ("0.0.0.0", "http://127.0.0.1:9000", True),  # noqa: S104 - an example
        ("::", "http://[::1]:9000", True),
        ("192.0.2.1", "http://192.0.2.1:9000", True),
        ("book.example", "http://book.example:9000", True),
    ],
)
def test_where_nobody_says_otherwise_it_is_reached_where_it_listens(host: str, reached: str, is_doubted: bool) -> None:
    settings, doubt = with_public_url(read(), host, 9000)
    assert settings.public_url == reached
    assert (doubt is not None) is is_doubted
    assert doubt is None or ("TIMEBOK_PUBLIC_URL" in doubt and reached in doubt)
    said = read(public_url="https://book.example")
    assert with_public_url(said, host, 9000) == (said, None)


def test_a_worker_says_where_notifications_go_when_it_cannot_know(
    capsys: pytest.CaptureFixture[str], sqlite_url: str
) -> None:
    async def told(**more: str) -> str:
        task = asyncio.create_task(
            run_worker(
                read(database_url=sqlite_url, secret_keys=(new_secret_key(),), google_origin="http://x.test", **more)
            )
        )
        while "TIMEBOK_BELL_URL" not in (said := capsys.readouterr().err):
            await asyncio.wait([task], timeout=0.01)
            assert not task.done()
        signal.raise_signal(signal.SIGTERM)
        await task
        return said + capsys.readouterr().err

    async def both() -> tuple[str, str]:
        return await told(), await told(public_url="http://y.test")

    unsaid, named = asyncio.run(both())
    assert "TIMEBOK_PUBLIC_URL" in unsaid
    assert "TIMEBOK_PUBLIC_URL" not in named


def test_half_of_an_oauth_client_starts_neither_web_nor_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIMEBOK_SECRET_KEYS", new_secret_key())
    monkeypatch.setenv("TIMEBOK_GOOGLE_CLIENT_ID", "id")
    with pytest.raises(WrongSettingError, match="TIMEBOK_GOOGLE_CLIENT_SECRET"):
        administration.read_to_run()
    assert administration.read_with_keys().google_client_id == "id"


@pytest.mark.parametrize("path", ["missing/timebok.db", "missing/deeper/timebok.db", "file/timebok.db"])
async def test_a_folder_that_is_not_there_is_named_and_not_made(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WrongDatabaseError, match=f"^TIMEBOK_DATABASE_URL: there is no folder .*{Path(path).parent}"):
        await migrate(f"sqlite:///{tmp_path}/{path}")
    assert files_in(tmp_path) == ["file"]


STRANGE = ("CREATE TABLE booking (id int)", "CREATE TABLE business (id int)", "CREATE TABLE moz_places (id int)")
OF_ANOTHER_APP = (
    "CREATE TABLE tortoise_migrations (app text, name text, applied_at text);"
    "INSERT INTO tortoise_migrations VALUES ('models', '0001_initial', '2027-03-01'); CREATE TABLE business (id int)"
)


@pytest.mark.parametrize("made", [*STRANGE, OF_ANOTHER_APP])
async def test_a_file_of_something_else_is_named_and_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], made: str
) -> None:
    file = tmp_path / "other.db"
    connection = sqlite3.connect(file)
    connection.executescript(made)
    before = connection.execute("SELECT name FROM sqlite_master ORDER BY name").fetchall()
    monkeypatch.setenv("TIMEBOK_DATABASE_URL", f"sqlite:///{file}")
    for arguments in (["migrate"], ["business", "list"]):
        with pytest.raises(SystemExit) as ended:
            await asyncio.to_thread(main, arguments)
        assert ended.value.code == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("timebok: TIMEBOK_DATABASE_URL: this is not a Timebok database")
    assert connection.execute("SELECT name FROM sqlite_master ORDER BY name").fetchall() == before
    connection.close()


async def test_a_first_migration_that_was_broken_off_is_none_of_something_else(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/timebok.db"
    connection = sqlite3.connect(tmp_path / "timebok.db")
    connection.execute(
        "CREATE TABLE tortoise_migrations (id integer primary key, app text, name text, applied_at text)"
    )
    connection.close()
    await migrate(url)


@pytest.mark.parametrize("made", [STRANGE[0], OF_ANOTHER_APP])
async def test_a_postgres_database_of_something_else_is_named(postgres_server: str, made: str) -> None:
    async with postgres.database(postgres_server) as url:
        async with db.opened(url) as connection:
            await connection.execute_script(made)
        with pytest.raises(WrongDatabaseError, match="this is not a Timebok database"):
            await migrate(url)


async def test_others_may_live_beside_it_on_postgres(postgres_server: str) -> None:
    async with postgres.database(postgres_server) as url:
        async with db.opened(url) as connection:
            await connection.execute_script("CREATE TABLE spatial_ref_sys (id int)")
        await migrate(url)
        await migrate(url)

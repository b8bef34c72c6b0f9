"""Settings come from the environment; one that cannot be used is named in one line."""

from pathlib import Path
from typing import Any

import pytest

from models.settings import Settings, WrongSettingError, read, require_secret_keys, require_whole_client
from models.storage import db
from models.storage.migrate import migrate
from tests.models.rows import a_business

KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

DEFAULTS: dict[str, Any] = {
    "database_url": "sqlite:///timebok.db",
    "bell_url": "memory://",
    "public_url": "http://127.0.0.1:8000",
    "secret_keys": (),
    "google_client_id": None,
    "google_client_secret": None,
    "google_origin": None,
    "pull_seconds": 600,
    "hold_seconds": 600,
    "key_requests": 3000,
    "key_sockets": 2000,
    "request_cost": 1_200_000,
    "key_cost": 15_000_000,
    "address_share": 0.2,
    "address_bookings": 30,
    "socket_subscriptions": 100,
    "key_subscriptions": 1000,
    "answer_bytes": 32 * 1024 * 1024,
    "google_days": 400,
    "explorer": True,
    "introspection": True,
    "completer": True,
    "trusted_proxies": (),
    "changes_kept_days": 30,
}

READ = [
    ("database_url", "sqlite:////var/lib/timebok/timebok.db", "sqlite:////var/lib/timebok/timebok.db"),
    ("database_url", "postgresql://me@there/timebok?maxsize=5", "postgresql://me@there/timebok?maxsize=5"),
    ("bell_url", "valkey://cache:6379", "valkey://cache:6379"),
    ("bell_url", "postgres://me@there/timebok", "postgres://me@there/timebok"),
    ("public_url", "https://book.example/", "https://book.example"),
    ("secret_keys", f" {KEY}, {KEY} ,", (KEY, KEY)),
    ("google_client_id", "id", "id"),
    ("google_client_secret", "secret", "secret"),
    ("google_origin", "http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
    ("pull_seconds", "1", 1),
    ("hold_seconds", "60", 60),
    ("key_requests", "0", 0),
    ("key_sockets", "0", 0),
    ("request_cost", "1", 1),
    ("key_cost", "0", 0),
    ("address_share", "1", 1.0),
    ("address_share", "0.05", 0.05),
    ("address_bookings", "0", 0),
    ("socket_subscriptions", "0", 0),
    ("key_subscriptions", "0", 0),
    ("answer_bytes", "1024", 1024),
    ("google_days", "3660", 3660),
    ("explorer", "false", False),
    ("introspection", "0", False),
    ("completer", "no", False),
    ("trusted_proxies", "10.0.0.1, 10.0.0.0/8, ::1", ("10.0.0.1", "10.0.0.0/8", "::1")),
    ("changes_kept_days", "7", 7),
]

WRONG = [
    ("database_url", "mysql://there/timebok", "names a file"),
    ("database_url", "timebok.db", "names a file"),
    ("database_url", "sqlite://timebok.db", "names a file"),
    ("database_url", "sqlite:///", "names a file"),
    ("database_url", "sqlite:///:memory:", "names a file"),
    ("database_url", "postgres://there", "names no database"),
    ("database_url", "postgres://there/", "names no database"),
    ("database_url", "postgres://there:port/timebok", "is no URL"),
    ("database_url", "postgres://there:99999/timebok", "is no URL"),
    ("database_url", "postgres://there/timebok?maxsize=0", "maxsize"),
    ("database_url", "postgres://there/timebok?maxsize=many", "maxsize"),
    ("bell_url", "kafka://there", "starts with"),
    ("bell_url", "redis://there:99999", "is no URL"),
    ("bell_url", "redis://[there", "is no URL"),
    ("public_url", "http://", "is an address"),
    ("public_url", "https://book.example:0", "is no URL"),
    ("public_url", "https://book.example/?a=b", "is an address"),
    ("public_url", "https://me@book.example", "is an address"),
    ("public_url", "https://book example", "is an address"),
    ("google_origin", "https://", "is an address"),
    ("trusted_proxies", "10.0.0.1, the proxy", "'the proxy'"),
    ("trusted_proxies", "10.0.0.1/99", "'10.0.0.1/99'"),
    ("hold_seconds", "9" * 12, "less than or equal to"),
    ("pull_seconds", "9" * 12, "less than or equal to"),
    ("key_requests", "9" * 12, "less than or equal to"),
    ("key_sockets", "9" * 12, "less than or equal to"),
    ("changes_kept_days", "9" * 12, "less than or equal to"),
    ("public_url", "book.example", "starts with http"),
    ("google_origin", "ftp://there", "starts with http"),
    ("secret_keys", "short", "timebok secrets new"),
    ("secret_keys", f"{KEY},{KEY[:-2]}", "timebok secrets new"),
    ("secret_keys", "nøkkel", "timebok secrets new"),
    ("pull_seconds", "0", "greater than or equal to 1"),
    ("pull_seconds", "often", "valid integer"),
    ("hold_seconds", "-1", "greater than or equal to 1"),
    ("key_requests", "-1", "greater than or equal to 0"),
    ("key_sockets", "1.5", "valid integer"),
    ("request_cost", "0", "greater than or equal to 1"),
    ("key_cost", "-1", "greater than or equal to 0"),
    ("address_share", "0", "greater than 0"),
    ("address_share", "1.1", "less than or equal to 1"),
    ("address_bookings", "-1", "greater than or equal to 0"),
    ("socket_subscriptions", "-1", "greater than or equal to 0"),
    ("key_subscriptions", "many", "valid integer"),
    ("google_days", "0", "greater than or equal to 1"),
    ("google_days", "3661", "less than or equal to 3660"),
    ("changes_kept_days", "0", "greater than or equal to 1"),
    ("explorer", "perhaps", "valid boolean"),
    ("introspection", "2", "valid boolean"),
    ("completer", "perhaps", "valid boolean"),
]


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"TIMEBOK_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)


def test_every_setting_has_the_default_that_is_written_down() -> None:
    assert read().model_dump() == DEFAULTS


@pytest.mark.parametrize(("name", "given", "meant"), READ)
def test_a_setting_is_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, name: str, given: str, meant: object
) -> None:
    monkeypatch.setenv(f"TIMEBOK_{name.upper()}", given)
    assert read().model_dump() == {**DEFAULTS, name: meant}


def test_every_setting_is_among_those_read_here() -> None:
    assert {name for name, _, _ in READ} == set(Settings.model_fields) == set(DEFAULTS)


@pytest.mark.parametrize(("name", "given", "says"), WRONG)
def test_a_wrong_setting_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, given: str, says: str
) -> None:
    monkeypatch.setenv(f"TIMEBOK_{name.upper()}", given)
    with pytest.raises(WrongSettingError) as wrong:
        read()
    line = str(wrong.value)
    assert line.startswith(f"TIMEBOK_{name.upper()}: ")
    assert says in line
    assert "\n" not in line
    assert KEY not in line


@pytest.mark.parametrize(
    ("name", "given", "says"), [each for each in WRONG if each[2].startswith(("valid", "less", "g"))]
)
def test_a_wrong_figure_or_switch_is_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, given: str, says: str
) -> None:
    monkeypatch.setenv(f"TIMEBOK_{name.upper()}", given)
    with pytest.raises(WrongSettingError) as wrong:
        read()
    assert str(wrong.value).startswith(f"TIMEBOK_{name.upper()}: '{given}' is not ")
    assert ("on or off" in str(wrong.value)) is (says == "valid boolean")


@pytest.mark.parametrize("half", ["google_client_id", "google_client_secret"])
def test_half_of_an_oauth_client_is_named_with_what_is_missing(half: str) -> None:
    (missing,) = {"google_client_id", "google_client_secret"} - {half}
    with pytest.raises(WrongSettingError, match=f"^TIMEBOK_{missing.upper()} is not set"):
        require_whole_client(read(**{half: "geheim"}))
    require_whole_client(read(**{half: "geheim", missing: "geheim"}))
    require_whole_client(read())


def test_whether_somebody_named_the_public_address_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not read().has_public_url
    monkeypatch.setenv("TIMEBOK_PUBLIC_URL", "")
    assert not read().has_public_url
    # Also when it is the one that would be taken anyway.
    monkeypatch.setenv("TIMEBOK_PUBLIC_URL", DEFAULTS["public_url"])
    assert read().has_public_url


@pytest.mark.parametrize("name", sorted(DEFAULTS))
def test_a_variable_set_to_nothing_counts_as_not_set(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"TIMEBOK_{name.upper()}", "")
    assert read().model_dump() == DEFAULTS


def test_the_environment_wins_over_the_file_and_a_given_value_over_both(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("TIMEBOK_PULL_SECONDS=1\nTIMEBOK_HOLD_SECONDS=2\nTIMEBOK_GOOGLE_DAYS=3\nOTHER=4\n")
    monkeypatch.setenv("TIMEBOK_HOLD_SECONDS", "20")
    monkeypatch.setenv("TIMEBOK_GOOGLE_DAYS", "30")
    found = read(google_days=300)
    assert (found.pull_seconds, found.hold_seconds, found.google_days) == (1, 20, 300)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("TIMEBOK_DATABASE_ULR", "TIMEBOK_DATABASE_URL"),
        ("TIMEBOK_SECRET_KEY", "TIMEBOK_SECRET_KEYS"),
        ("TIMEBOK_HOLDSECOND", "TIMEBOK_HOLD_SECONDS"),
        ("timebok_bellurl", "TIMEBOK_BELL_URL"),
    ],
)
@pytest.mark.parametrize("in_file", [False, True])
def test_a_name_within_two_letters_of_a_setting_is_a_misspelt_one(
    monkeypatch: pytest.MonkeyPatch, written: str, meant: str, in_file: bool
) -> None:
    if in_file:
        Path(".env").write_text(f"{written}=x\n")
    else:
        monkeypatch.setenv(written, "x")
    with pytest.raises(WrongSettingError, match=f"^{written.upper()}: .*{meant}"):
        read()
    monkeypatch.setenv(written, "")
    if not in_file:
        read()


def test_names_that_are_like_no_setting_are_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What a cluster sets for a service, and what tests are told, is none."""
    for name in ("TIMEBOK_SERVICE_HOST", "TIMEBOK_PORT", "TIMEBOK_PORT_8000_TCP", "TIMEBOK_TEST_POSTGRES_URL", "OTHER"):
        monkeypatch.setenv(name, "x")
    assert read().model_dump() == DEFAULTS
    assert caplog.records == []
    for name in ("TIMEBOK_COLOUR", "TIMEBOK_MOOD"):
        monkeypatch.setenv(name, "x")
    read()
    assert [each.message for each in caplog.records] == ["no such setting: TIMEBOK_COLOUR, TIMEBOK_MOOD"]


@pytest.mark.parametrize("content", [b"\x7fELF\x00\x01", b"TIMEBOK_HOLD_SECONDS=\xff\xfe", b"\xff\xfeT\x00I\x00"])
def test_a_file_that_is_no_text_is_named(content: bytes) -> None:
    Path(".env").write_bytes(content)
    with pytest.raises(WrongSettingError, match=r"^\.env: "):
        read()


def test_without_a_secret_key_the_missing_variable_is_named() -> None:
    with pytest.raises(WrongSettingError, match="TIMEBOK_SECRET_KEYS is not set"):
        require_secret_keys(read())
    require_secret_keys(read(secret_keys=KEY))


@pytest.mark.parametrize(
    ("public_url", "google_origin", "pushes"),
    [
        ("http://127.0.0.1:8000", None, False),
        ("https://book.example", None, True),
        ("http://127.0.0.1:8000", "http://127.0.0.1:9000", True),
    ],
)
def test_google_is_asked_to_notify_only_where_it_can_reach_us(
    public_url: str, google_origin: str | None, pushes: bool
) -> None:
    assert read(public_url=public_url, google_origin=google_origin).pushes is pushes


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


async def test_three_slashes_are_relative_to_the_working_directory_and_four_absolute(tmp_path: Path) -> None:
    for url, file in (
        ("sqlite:///data/relative.db", tmp_path / "data" / "relative.db"),
        (f"sqlite:///{tmp_path}/deep/absolute.db?busy_timeout=1000", tmp_path / "deep" / "absolute.db"),
    ):
        file.parent.mkdir()
        await migrate(url)
        assert str(file.relative_to(tmp_path)) in files_in(tmp_path)
        async with db.opened(url):
            await a_business()
    lock = ".migrating"
    assert files_in(tmp_path) == {
        f"{name}{end}" for name in ("deep/absolute.db", "data/relative.db") for end in ("", lock)
    }


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
async def test_both_spellings_of_postgres_are_understood_with_their_own_pool_size(
    postgres_url: str, scheme: str
) -> None:
    url = postgres_url.replace("postgresql", scheme, 1) + ("&" if "?" in postgres_url else "?") + "maxsize=3"
    await migrate(url)
    async with db.opened(url) as connection:
        await a_business()
        pool: Any = connection
        assert pool._pool.get_max_size() == 3


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("TIMEBOK_HOLD_SECONDS 60\n", 1),
        ("OTHER=1\n# of ours\n\nTIMEBOK_HOLD_SECONDS: 60\nTIMEBOK_PULL_SECONDS=1\n", 4),
        ("OTHER=1\n\nexport TIMEBOK_HOLD_SECONDS\n", 3),
        ("TIMEBOK_HOLD_SECONDS='60\n", 1),
        ("this is not a line\n", 1),
        ("OTHER 1\nTIMEBOK_HOLD_SECONDS=60\n", 1),
        ("TIMEBOK_HOLD_SECONDS=60\n\n  this is not a line\nTIMEBOK_PULL_SECONDS 1\n", 3),
        ("export TIMEBOK_PULL_SECONDS\nthis is not a line\n", 1),
        ("TIMEBOK_HOLD_SECONDS=60\n'=1\n", 2),
    ],
)
def test_a_line_of_the_file_that_would_be_passed_over_is_named(
    caplog: pytest.LogCaptureFixture, text: str, line: int
) -> None:
    Path(".env").write_text(text)
    with pytest.raises(WrongSettingError, match=rf"^\.env: line {line} is not NAME=value$"):
        read()
    assert caplog.records == []


def test_a_folder_of_that_name_is_named() -> None:
    Path(".env").mkdir()
    with pytest.raises(WrongSettingError, match=r"^\.env: this is a folder"):
        read()


@pytest.mark.parametrize(
    "text", ["OTHER=1\nTIMEBOK_HOLD_SECONDS=60\n", "OTHER\nexport TIMEBOK_HOLD_SECONDS = 60 # s\n"]
)
def test_lines_of_others_do_no_harm(text: str) -> None:
    Path(".env").write_text(text)
    assert read().hold_seconds == 60

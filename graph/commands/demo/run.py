"""`timebok demo`: runs a demo business, web, sync and the stand-in for Google in one process.

It runs what `serve` and `sandbox` run, with settings of its own. It fills a new database through the domain's verbs,
and connects one option to Google as a person would: over HTTP, through the consent page.
"""

import json
import sys
import tempfile
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

from graph.commands.demo.shop import ZONE, Shop, fill_shop
from graph.commands.demo.story import connect
from graph.commands.exit_status import WrongArgumentError
from graph.commands.serve import Site, address, listening, run_unless, serving, stop_event
from graph.server.app import build
from models import api_key, business, clock
from models.enums import Role
from models.log import notifier
from models.settings import Settings, WrongSettingError, read
from models.storage import db
from models.storage.migrate import migrate
from models.storage.secrets import Secrets, new_secret_key
from sync.sandbox.app import sandbox_app
from sync.sandbox.state import SandboxGoogle

HOST = "127.0.0.1"
GOOGLE_CLIENT = ("timebok-demo", "timebok-demo-secret")
BEN = "ben@example.com"


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo runs with: settings, the stand-in's address, API keys, and the demo business."""

    settings: Settings
    google_origin: str
    keys: dict[Role, str]
    shop: Shop


async def demonstrate(port: int, google_port: int, folder: str | None) -> None:
    """Runs the demo until a signal stops it. Without a folder, deletes its data at the end."""
    if folder is not None:
        await _run_in(Path(folder), port, google_port)
        return
    with tempfile.TemporaryDirectory(prefix="timebok-demo-", ignore_cleanup_errors=True) as temporary:
        await _run_in(Path(temporary), port, google_port)


async def run_sandbox(port: int) -> None:
    """Runs the stand-in for Google alone, until a signal stops it."""
    stop = stop_event()
    async with serving([Site(sandbox_app(), HOST, port)]):
        sys.stdout.write(_how_to_use(address(HOST, port)))
        sys.stdout.flush()
        await stop.wait()


def _how_to_use(google_origin: str) -> str:
    """Returns the text that says how `serve` and `sync` can use the stand-in."""
    return f"""The stand-in for Google listens on {google_origin}/

To use it, before `timebok serve` or `timebok sync`:

export TIMEBOK_GOOGLE_ORIGIN={google_origin}
export TIMEBOK_GOOGLE_CLIENT_ID={GOOGLE_CLIENT[0]}
export TIMEBOK_GOOGLE_CLIENT_SECRET={GOOGLE_CLIENT[1]}
"""


async def _run_in(folder: Path, port: int, google_port: int) -> None:
    stop = stop_event()
    settings = _settings(folder, port, google_port)
    google = SandboxGoogle()
    app = build(settings)
    sites = [
        Site(app, HOST, port, on_stop=app.state.stopping),
        Site(sandbox_app(google), HOST, google_port, argument="--google-port"),
    ]
    with listening(sites) as sockets:
        if not await run_unless(stop, migrate(settings.database_url)):
            return
        demo = await _prepare(settings, folder, address(HOST, google_port))
        google.seed_demo()
        _add_appointment(google)
        async with serving(sites, sockets):
            option_id = demo.shop.options["Ben"]
            await connect(settings.public_url, demo.keys[Role.ADMIN], option_id, account=BEN, calendar=BEN)
            sys.stdout.write(_welcome(demo))
            sys.stdout.flush()
            await stop.wait()


def _settings(folder: Path, port: int, google_port: int) -> Settings:
    """The demo's own settings; its secret key lies beside its data."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise WrongArgumentError(f"--data: {folder} is no folder") from None
    except OSError as error:
        raise WrongArgumentError(f"--data: {folder} cannot be made: {error.strerror}") from None
    secret_file = folder / "secret.key"
    if not secret_file.exists():
        _write_private(secret_file, new_secret_key())
    return read(
        database_url=f"sqlite:///{folder.resolve() / 'timebok.db'}",
        bell_url="memory://",
        public_url=f"http://{HOST}:{port}",
        secret_keys=(_secret_key(secret_file),),
        google_origin=f"http://{HOST}:{google_port}",
        google_client_id=GOOGLE_CLIENT[0],
        google_client_secret=GOOGLE_CLIENT[1],
    )


def _secret_key(file: Path) -> str:
    """Reads the secret key from the file. Raises WrongSettingError when the file has none."""
    try:
        key_kept = file.read_text().strip()
        Secrets((key_kept,))
    except ValueError:
        raise WrongSettingError(f"{file}: holds no secret key; remove it, and the demo makes a new one") from None
    return key_kept


def _write_private(file: Path, text: str) -> None:
    """Writes a file that only this user may read."""
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(text)


async def _prepare(settings: Settings, folder: Path, google_origin: str) -> Demo:
    """Creates and fills the demo business, if it is new, and its API keys. Returns the demo."""
    async with db.opened(settings.database_url), notifier.open_notifier(settings.bell_url):
        business_id = await business.by_slug("demo") or await business.create(
            "demo", "Fjord Studio", ZONE, origins=[settings.public_url], booking_url=f"{settings.public_url}/#{{token}}"
        )
        await business.Business.filter(id=business_id).update(origins=[settings.public_url])
        shop = await fill_shop(business_id, settings.google_days)
        keys = await _keys(business_id, folder / "keys.json")
    return Demo(settings, google_origin, keys, shop)


async def _keys(business_id: UUID, file: Path) -> dict[Role, str]:
    """Returns one key for each role: that of the file where it is still valid, else a new one."""
    kept = _kept_keys(file)
    keys = {}
    for role in Role:
        caller = await api_key.authenticate(kept.get(role, ""))
        good = caller is not None and (caller.business_id, caller.role) == (business_id, role)
        keys[role] = kept[role] if good else (await api_key.create(business_id, role, "demo"))[1]
    _write_private(file, json.dumps(keys, indent=2))
    return keys


def _kept_keys(file: Path) -> dict[str, str]:
    """Reads the keys from the file; returns none when it does not exist or is damaged."""
    try:
        found = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return {name: text for name, text in found.items() if isinstance(text, str)} if isinstance(found, dict) else {}


def _add_appointment(google: SandboxGoogle) -> None:
    """Puts a doctor's appointment, tomorrow from eight to nine, into Ben's calendar."""
    start = _tomorrow().replace(hour=8, minute=0, second=0, microsecond=0)
    google.insert_event(BEN, {"summary": "Doctor's appointment", **_between(start, start + timedelta(hours=1))})


def _tomorrow() -> datetime:
    """Returns this time tomorrow, in the demo's time zone."""
    return clock.now().astimezone(ZoneInfo(ZONE)) + timedelta(days=1)


def _monday_of(moment: datetime) -> date:
    """Returns the Monday of a moment's week."""
    return moment.date() - timedelta(days=moment.weekday())


def _between(start: datetime, end: datetime) -> dict[str, object]:
    """Returns an event's times in Google's JSON."""
    times = {"start": start, "end": end}
    return {name: {"dateTime": at.isoformat(), "timeZone": ZONE} for name, at in times.items()}


def _welcome(demo: Demo) -> str:
    """Returns the text that says what to try, and with which keys."""
    explorer = f"{demo.settings.public_url}/graphql"
    keys = demo.keys
    return f"""
Timebok is running: Fjord Studio, with Anna, Ben and a meeting room.

  Explorer         {explorer}
  Google stand-in  {demo.google_origin}/

  Keys             public  {keys[Role.PUBLIC]}
                   staff   {keys[Role.STAFF]}
                   admin   {keys[Role.ADMIN]}

  Try
    As a customer      {explorer}#key={keys[Role.PUBLIC]}
                       Run the tabs "FirstQuery" and "FirstBooking".
    As the dashboard   {explorer}#key={keys[Role.STAFF]}
                       Run "FirstSubscription", then book in another window, or change
                       Ben's week, below: both arrive by themselves.
    As Ben             {demo.google_origin}/?account={BEN}&week={_monday_of(_tomorrow())}
                       He is connected already. His doctor's appointment tomorrow at eight
                       keeps him from being booked; Anna can be. Bookings of his appear there.
    From a shell       export KEY={keys[Role.PUBLIC]} STAFF_KEY={keys[Role.STAFF]}
                       Then what the README says under "A first booking".
    When Google fails  The same page, below the calendars: choose how Google is, and watch the tab
                       "SyncHealth" with the staff key. Bookings go on, and catch up by themselves.

  Ctrl-C ends it.
"""

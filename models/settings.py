"""Settings. The commands read them once, from the environment and a `.env` file; no other module reads either."""

import ipaddress
import logging
import os
from io import StringIO
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

from cryptography.fernet import Fernet
from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic import Field, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from models.setting_names import PREFIX, sort_unknown_names

log = logging.getLogger("timebok.settings")

_ENV_FILE = ".env"
_A_WEEK = 7 * 24 * 60 * 60
_MOST = 2**31 - 1


class WrongSettingError(Exception):
    """Timebok cannot use a setting; the message is one line that names it."""


class Settings(BaseSettings):
    """Every setting of Timebok; the environment variable is the name in capitals after `TIMEBOK_`."""

    # An empty variable counts as not set.
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=_ENV_FILE, env_ignore_empty=True, extra="ignore", frozen=True
    )

    database_url: str = "sqlite:///timebok.db"
    bell_url: str = "memory://"
    public_url: str = "http://127.0.0.1:8000"
    secret_keys: Annotated[tuple[str, ...], NoDecode] = ()
    google_client_id: str | None = None
    google_client_secret: str | None = None
    google_origin: str | None = None
    pull_seconds: int = Field(default=600, ge=1, le=_A_WEEK)
    hold_seconds: int = Field(default=600, ge=1, le=_A_WEEK)
    key_requests: int = Field(default=3000, ge=0, le=_MOST)
    key_sockets: int = Field(default=2000, ge=0, le=_MOST)
    request_cost: int = Field(default=1_200_000, ge=1, le=_MOST)
    key_cost: int = Field(default=15_000_000, ge=0, le=_MOST)
    address_share: float = Field(default=0.2, gt=0, le=1)
    address_bookings: int = Field(default=30, ge=0, le=_MOST)
    socket_subscriptions: int = Field(default=100, ge=0, le=_MOST)
    key_subscriptions: int = Field(default=1000, ge=0, le=_MOST)
    answer_bytes: int = Field(default=32 * 1024 * 1024, ge=1024, le=_MOST)
    google_days: int = Field(default=400, ge=1, le=3660)
    explorer: bool = True
    introspection: bool = True
    completer: bool = True
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    changes_kept_days: int = Field(default=30, ge=1, le=3660)

    @field_validator("secret_keys", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("secret_keys")
    @classmethod
    def _usable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for key in value:
            try:
                Fernet(key)
            except ValueError:
                raise ValueError(
                    "one is no secret key (32 bytes in URL-safe base64): make one with `timebok secrets new`"
                ) from None
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            try:
                _ = each == "*" or ipaddress.ip_network(each)
            except ValueError:
                raise ValueError(f"{each!r} is neither an address such as 10.0.0.1 or 10.0.0.0/8, nor *") from None
        return value

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        if value.startswith(("postgres://", "postgresql://")):
            _address(value)
            if not urlsplit(value).path.strip("/"):
                raise ValueError("names no database: postgres://user:pass@host/database")
            size = parse_qs(urlsplit(value).query).get("maxsize", ["1"])[0]
            if not size.isdecimal() or not int(size):
                raise ValueError("maxsize is a number of connections, at least 1")
            return value
        file = value.removeprefix("sqlite:///").partition("?")[0]
        if file in {"", ":memory:"} or not value.startswith("sqlite:///"):
            files = "sqlite:///relative.db, sqlite:////absolute.db"
            raise ValueError(f"neither names a file ({files}) nor starts with postgres://")
        return value

    @field_validator("bell_url")
    @classmethod
    def _bell(cls, value: str) -> str:
        if not value.startswith(("memory://", "redis://", "rediss://", "valkey://", "postgres://", "postgresql://")):
            raise ValueError("is no URL that starts with memory://, redis://, valkey:// or postgres://")
        _address(value)
        return value

    @field_validator("public_url", "google_origin")
    @classmethod
    def _origin(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not value.startswith(("http://", "https://")):
            raise ValueError("is no URL that starts with http:// or https://")
        _address(value)
        if not urlsplit(value).hostname or set(value) & set(' ?#@\\"<>'):
            raise ValueError("what is needed is an address such as https://book.example, without anything behind it")
        return value.rstrip("/")

    @property
    def has_public_url(self) -> bool:
        """Whether the operator set TIMEBOK_PUBLIC_URL."""
        return "public_url" in self.model_fields_set

    @property
    def pushes(self) -> bool:
        """Whether Google can reach this service over HTTPS, so that the engine opens push channels."""
        return self.public_url.startswith("https://") or self.google_origin is not None


def read(**overrides: Any) -> Settings:
    """Reads the settings of this process; `overrides` win. Raises WrongSettingError for the first wrong or misspelt
    setting. Logs a warning that lists unknown ones.
    """
    _check_names(_read_env_file() if overrides.get("_env_file", _ENV_FILE) else {})
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise WrongSettingError(_describe(error.errors()[0])) from None


def _describe(error: ErrorDetails) -> str:
    """Says in one line what is wrong with a setting. Never quotes a text: it may be a secret."""
    name = str(error["loc"][0])
    message = error["msg"].removeprefix("Value error, ")
    kind = Settings.model_fields[name].annotation
    if kind in {bool, int, float}:
        wanted = (
            "a valid boolean: on or off" if kind is bool else message.removeprefix("Input should be ").partition(",")[0]
        )
        message = f"{error['input']!r} is not {wanted}"
    return f"{PREFIX}{name.upper()}: {message}"


def _read_env_file() -> dict[str, str | None]:
    """What the `.env` file sets. Raises WrongSettingError when it cannot be read."""
    try:
        if Path(_ENV_FILE).is_dir():
            raise WrongSettingError(".env: this is a folder, and has to be a file with a NAME=value on each line")
        if not Path(_ENV_FILE).is_file():
            return {}
        _check_lines(Path(_ENV_FILE).read_text(encoding="utf-8"))
        found = dotenv_values(_ENV_FILE, encoding="utf-8")
    except UnicodeDecodeError:
        raise WrongSettingError(".env: the file is no text (UTF-8) with a NAME=value on each line") from None
    except OSError as error:
        raise WrongSettingError(f".env: the file cannot be read: {error.strerror}") from None
    if any("\0" in f"{name}{value}" for name, value in found.items()):
        raise WrongSettingError(".env: the file is no text (UTF-8) with a NAME=value on each line")
    return found


def _check_lines(text: str) -> None:
    """Raises WrongSettingError for the first line of the `.env` file that cannot be read, or that names a setting and
    gives it no value.
    """
    for binding in parse_stream(StringIO(text)):
        is_ours = (binding.key or "").upper().startswith(PREFIX)
        if binding.error or (is_ours and binding.value is None):
            written = binding.original.string
            before = written.removesuffix(written.lstrip())
            raise WrongSettingError(f".env: line {binding.original.line + before.count(chr(10))} is not NAME=value")


def _check_names(file: dict[str, str | None]) -> None:
    """Raises WrongSettingError for a misspelt name; logs one warning that lists all unknown names."""
    given = [name for name, value in {**file, **os.environ}.items() if value]
    misspelt, unknown = sort_unknown_names(given, [PREFIX + name.upper() for name in Settings.model_fields])
    for name, meant in misspelt.items():
        raise WrongSettingError(f"{name}: there is no such setting; {meant} is meant?")
    if unknown:
        log.warning("no such setting: %s", ", ".join(unknown))


def _address(url: str) -> None:
    """Raises ValueError when a text is no URL, or its port is out of range."""
    try:
        port = urlsplit(url).port
    except ValueError as error:
        raise ValueError(f"is no URL: {error}") from None
    if port == 0:
        raise ValueError("is no URL: there is no port 0")


def require_whole_client(settings: Settings) -> None:
    """Raises WrongSettingError when only half of the OAuth client is set: nobody could sign in with Google."""
    halves = {
        "TIMEBOK_GOOGLE_CLIENT_ID": settings.google_client_id,
        "TIMEBOK_GOOGLE_CLIENT_SECRET": settings.google_client_secret,
    }
    missing = [name for name, value in halves.items() if value is None]
    if len(missing) == 1:
        (given,) = halves.keys() - missing
        raise WrongSettingError(f"{missing[0]} is not set, and {given} is: set both, or neither")


def require_secret_keys(settings: Settings) -> None:
    """Raises WrongSettingError when no secret key is set: without one Timebok can neither encrypt nor sign."""
    if not settings.secret_keys:
        raise WrongSettingError("TIMEBOK_SECRET_KEYS is not set: make one with `timebok secrets new`")

"""Settings, read once from the environment (and a `.env` file) by the entry points. Nothing else reads either."""

from typing import Annotated, Any

from cryptography.fernet import Fernet
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class WrongSettingError(Exception):
    """A setting that cannot be used; the message names it in one line."""


class Settings(BaseSettings):
    """Every setting of Timebok; the environment variable is the name in capitals after `TIMEBOK_`."""

    # A variable that is set to nothing counts as not set.
    model_config = SettingsConfigDict(
        env_prefix="TIMEBOK_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    database_url: str = "sqlite:///timebok.db"
    bell_url: str = "memory://"
    public_url: str = "http://127.0.0.1:8000"
    secret_keys: Annotated[tuple[str, ...], NoDecode] = ()
    google_client_id: str | None = None
    google_client_secret: str | None = None
    google_origin: str | None = None
    pull_seconds: int = Field(default=600, ge=1)
    hold_seconds: int = Field(default=600, ge=1)
    key_requests: int = Field(default=3000, ge=0)
    key_sockets: int = Field(default=2000, ge=0)
    answer_bytes: int = Field(default=32 * 1024 * 1024, ge=1024)
    google_days: int = Field(default=400, ge=1, le=3660)
    explorer: bool = True
    introspection: bool = True
    completer: bool = True
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    changes_kept_days: int = Field(default=30, ge=1)

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
                raise ValueError("each is 32 bytes in URL-safe base64: make one with `timebok secrets new`") from None
        return value

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        if value.startswith(("postgres://", "postgresql://")):
            return value
        file = value.removeprefix("sqlite:///").partition("?")[0]
        if file in {"", ":memory:"} or not value.startswith("sqlite:///"):
            raise ValueError("names a file (sqlite:///relative.db, sqlite:////absolute.db) or starts with postgres://")
        return value

    @field_validator("bell_url")
    @classmethod
    def _bell(cls, value: str) -> str:
        if not value.startswith(("memory://", "redis://", "rediss://", "valkey://", "postgres://", "postgresql://")):
            raise ValueError("starts with memory://, redis://, valkey:// or postgres://")
        return value

    @field_validator("public_url", "google_origin")
    @classmethod
    def _origin(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("starts with http:// or https://")
        return value and value.rstrip("/")

    @property
    def pushes(self) -> bool:
        """Whether Google can reach us, so that push channels are worth asking for."""
        return self.public_url.startswith("https://") or self.google_origin is not None


def read(**overrides: Any) -> Settings:
    """The settings of this process; `overrides` win. Raises WrongSettingError naming the first wrong one."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        name = "TIMEBOK_" + str(first["loc"][0]).upper()
        raise WrongSettingError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None


def need_secret_keys(settings: Settings) -> None:
    """Raises WrongSettingError when no secret key is set: without one nothing can be sealed or signed."""
    if not settings.secret_keys:
        raise WrongSettingError("TIMEBOK_SECRET_KEYS is not set: make one with `timebok secrets new`")

"""Typed settings, read from the environment.

The order is: environment variables, then `.env` in the project's root, then one file per
secret in `SECRETS_DIR` (for secret managers that mount files), then the defaults below.
`load_settings()` reports everything that is wrong at once.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from project.errors import ImproperlyConfigured
from project.setting_types import DatabaseURL, Names, Seconds, Secrets

# Order matters: an app comes after those it requires. Nothing is discovered by being installed.
INSTALLED_APPS: tuple[str, ...] = (
    "apps.health",
    "apps.users",
    "apps.items",
    "apps.orders",
)

ROOT = Path(__file__).resolve().parent.parent
ENV_FILE = ROOT / ".env"

Environment = Literal["development", "test", "staging", "production"]
ENVIRONMENTS: tuple[str, ...] = get_args(Environment)

MINIMUM_SECRET_LENGTH = 32
MINIMUM_SECRET_VARIETY = 10
PLACEHOLDERS = ("changethis", "changeme", "change-me", "secret", "insecure", "example", "your-")


class SettingsGroup(BaseSettings):
    """A group of settings that share a prefix. Unknown names belong to other groups."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )


class GeneralSettings(SettingsGroup):
    """What kind of place this is."""

    environment: Environment = "development"
    """Decides defaults and strictness: development, test, staging or production."""

    @property
    def is_deployed(self) -> bool:
        """Whether strangers can reach this place: staging and production."""
        return self.environment in {"staging", "production"}

    site_name: str = "Lintel"
    """Shown on pages, in the API documentation and in the admin."""

    data_directory: Path = Path(".data")
    """Where the embedded database and the development key are kept, seen from the root."""


class DatabaseSettings(SettingsGroup):
    """How to reach PostgreSQL, and how long to wait for it."""

    model_config = SettingsConfigDict(env_prefix="DATABASE_")

    url: DatabaseURL = Field(default=None, repr=False)  # it may hold a password
    """`postgresql://…`. Unset in development and test: the embedded server is started."""

    pool_size: int = Field(default=8, ge=1, le=200)
    """Connections of one worker, and threads of its database lane: always the same number."""

    async_pool_size: int = Field(default=2, ge=1, le=200)
    """Connections of one worker for `async def` routes, which hold them for moments."""

    queue_size: int = Field(default=200, ge=0)
    """Requests of one worker that may wait for a connection; the next one gets a 503."""

    queue_timeout: Seconds = 5.0
    """Seconds that a request may wait for a connection before it gets a 503."""

    connect_timeout: int = Field(default=3, ge=1)
    """Seconds to wait for a new connection. libpq counts whole seconds."""

    statement_timeout: Seconds = 15.0
    """Seconds after which the server cancels a statement."""

    lock_timeout: Seconds = 4.0
    """Seconds after which the server gives up waiting for a lock."""

    idle_in_transaction_timeout: Seconds = 30.0
    """Seconds after which the server ends a session that forgot its transaction."""

    client_check_interval: float = Field(default=1.0, ge=0, le=86_400)
    """Seconds between the server's looks whether a client still lives; 0 where it cannot."""


class SecuritySettings(SettingsGroup):
    """Keys, tokens and passwords."""

    secret_key: SecretStr | None = None
    """Signs tokens. Unset in development and test: a random one is kept under `.data/`."""

    secret_key_fallbacks: Secrets = ()
    """Older keys that still verify, so that a rotation signs nobody out."""

    access_token_expire_minutes: int = Field(default=10, ge=1, le=15)
    """Minutes that an access token lives."""

    refresh_token_expire_days: int = Field(default=14, ge=1, le=90)
    """Days after sign-in when refreshing ends, however often it was done."""

    registration_open: bool = True
    """Whether anyone may register at `POST /api/v1/users/`."""

    hash_queue_size: int = Field(default=50, ge=0)
    """Password hashes of one worker that may wait; the next one gets a 503."""

    hash_queue_timeout: Seconds = 5.0
    """Seconds that a password hash may wait for its turn."""


class WebSettings(SettingsGroup):
    """Who may call, from where, and with how much."""

    allowed_hosts: Names = ("localhost", "127.0.0.1", "[::1]", "testserver")
    """Values of the `Host` header that are answered; `.example.com` allows subdomains."""

    allowed_origins: Names = ()
    """Origins of browser applications that may call the API (CORS)."""

    max_body_size: int = Field(default=1_048_576, ge=1024)
    """Bytes of a request body; a route may ask for more."""

    request_timeout: Seconds = 30.0
    """Seconds within which a request has an answer; statements and queues may take half of them."""

    trusted_proxies: Names = ("127.0.0.1",)
    """Addresses whose `X-Forwarded-*` headers are believed."""


class MediaSettings(SettingsGroup):
    """Files that people upload."""

    media_directory: Path = Path(".data/media")
    """The folder that keeps them, seen from the root. All workers share it."""

    storage_url: str | None = None
    """The bucket that keeps them instead of the folder: `s3://bucket/prefix`."""

    aws_endpoint_url: str | None = None
    """The server of the bucket, if it is not Amazon's: `https://s3.example.com`."""

    aws_region: str | None = None
    """The bucket's region. Unset: us-east-1, which most other servers take for theirs."""

    aws_access_key_id: SecretStr | None = None
    """Who opens the bucket. Unset: whatever role this machine has."""

    aws_secret_access_key: SecretStr | None = None
    """Belongs to the access key."""

    max_upload_size: int = Field(default=20_971_520, ge=1024)
    """Bytes of a request that uploads a file."""

    max_image_pixels: int = Field(default=40_000_000, ge=1)
    """Pixels of an uploaded picture. Decoding takes 8 bytes for each of them, 16 for WebP."""


class LaneSettings(SettingsGroup):
    """Threads for work that keeps a core busy."""

    cpu_lane_size: int | None = Field(default=None, ge=1, le=256)
    """Pictures and the like that one worker computes at a time; unset: one for each core."""

    cpu_queue_size: int = Field(default=50, ge=0)
    """Such works that may wait for a core; the next one gets a 503."""

    cpu_queue_timeout: Seconds = 20.0
    """Seconds that such a work may wait for its turn."""


class ServerSettings(SettingsGroup):
    """The server process."""

    workers: int = Field(default=1, ge=1, le=128)
    """Processes that answer requests."""

    shutdown_timeout: int = Field(default=25, ge=1)
    """Seconds that requests in flight get to finish after SIGTERM."""

    loop_guard: bool | None = None
    """Whether what blocks the event loop is named in the log; unset: in development and test."""

    loop_guard_threshold: float = Field(default=0.1, ge=0.01, le=60, allow_inf_nan=False)
    """Seconds that the event loop may be blocked before the guard names the culprit."""

    server_timing: bool | None = None
    """Whether answers say what they cost in a header; unset: in development alone."""


class LoggingSettings(SettingsGroup):
    """What is written to standard error."""

    model_config = SettingsConfigDict(env_prefix="LOG_")

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The lowest level that is written."""

    format: Literal["text", "json"] | None = None
    """`text` for people, `json` for machines; unset: json in staging and production."""


class Settings(BaseModel):
    """Every group together; this is what is passed around."""

    model_config = ConfigDict(frozen=True)

    general: GeneralSettings
    database: DatabaseSettings
    security: SecuritySettings
    web: WebSettings
    media: MediaSettings
    lanes: LaneSettings
    server: ServerSettings
    logging: LoggingSettings

    @property
    def environment(self) -> Environment:
        return self.general.environment

    @property
    def is_deployed(self) -> bool:
        """Whether strangers can reach this place: staging and production."""
        return self.general.is_deployed

    @property
    def has_loop_guard(self) -> bool:
        wanted = self.server.loop_guard
        return not self.is_deployed if wanted is None else wanted

    @property
    def has_server_timing(self) -> bool:
        wanted = self.server.server_timing
        return self.environment == "development" if wanted is None else wanted

    @property
    def data_directory(self) -> Path:
        return ROOT / self.general.data_directory

    @property
    def media_directory(self) -> Path:
        return ROOT / self.media.media_directory

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """The signing key first, then those that only verify."""
        if self.security.secret_key is None:
            raise ImproperlyConfigured("SECRET_KEY is not set.")
        fallbacks = (key.get_secret_value() for key in self.security.secret_key_fallbacks)
        return (self.security.secret_key.get_secret_value(), *fallbacks)


Group = TypeVar("Group", bound=SettingsGroup)


def load_settings(*, env_file: Path | None = ENV_FILE) -> Settings:
    """Read the settings now.

    Raises ImproperlyConfigured with one line that names every setting that is missing,
    malformed or too weak for this environment.
    """
    problems = _missing_secrets()
    groups = {
        name: _load_group(field.annotation, env_file, problems)
        for name, field in Settings.model_fields.items()
        if field.annotation is not None
    }
    general = groups["general"]
    is_deployed = general is not None and general.is_deployed
    if is_deployed:
        problems += _weaknesses(groups)
    if problems:
        place = f" for {general.environment}" if is_deployed else ""
        raise ImproperlyConfigured(f"Settings{place}: " + "; ".join(problems))
    settings = _within_deadline(Settings.model_validate(groups))
    if settings.security.secret_key is None:
        key = SecretStr(_development_key(settings.data_directory))
        security = settings.security.model_copy(update={"secret_key": key})
        settings = settings.model_copy(update={"security": security})
    return settings


def _within_deadline(settings: Settings) -> Settings:
    """Let nothing that a request waits for take as long as the request itself may."""
    limit, database = settings.web.request_timeout, settings.database
    shares = {"statement_timeout": 2, "queue_timeout": 2, "lock_timeout": 4}
    shorter = {name: min(getattr(database, name), limit / part) for name, part in shares.items()}
    return settings.model_copy(update={"database": database.model_copy(update=shorter)})


def secrets_directory() -> Path | None:
    """Return SECRETS_DIR if it is a folder."""
    name = os.environ.get("SECRETS_DIR", "")
    return Path(name) if name and Path(name).is_dir() else None


def _missing_secrets() -> list[str]:
    is_missing = os.environ.get("SECRETS_DIR") and secrets_directory() is None
    return ["SECRETS_DIR is not a directory"] if is_missing else []


def _load_group(group: Any, env_file: Path | None, problems: list[str]) -> Any:
    try:
        return group(_env_file=env_file, _secrets_dir=secrets_directory())
    except ValidationError as error:
        problems += explain(error, group.model_config.get("env_prefix", ""))
        return None


def explain(error: ValidationError, prefix: str) -> list[str]:
    """Say of each variable what is wrong with it, never what it holds."""
    return [
        f"{prefix}{found['loc'][0]}".upper() + f" {_reason(found['msg'])}"
        for found in error.errors(include_url=False, include_input=False)
    ]


def _reason(message: str) -> str:
    message = message.removeprefix("Value error, ").removeprefix("Input ")
    return message[0].lower() + message[1:]


def _weaknesses(groups: Mapping[str, Any]) -> list[str]:
    """List what strangers could exploit; a group that did not load has said so already."""
    looks: dict[str, Callable[[Any], list[str]]] = {
        "security": _weak_secrets,
        "database": _missing_database,
        "web": _open_doors,
    }
    loaded = {name: look for name, look in looks.items() if groups[name] is not None}
    return [problem for name, look in loaded.items() for problem in look(groups[name])]


def _weak_secrets(security: SecuritySettings) -> list[str]:
    if security.secret_key is None:
        return [
            "SECRET_KEY is not set (python -c 'import secrets; print(secrets.token_urlsafe(48))')"
        ]
    problems = []
    if is_weak(security.secret_key.get_secret_value()):
        problems.append(f"SECRET_KEY is weak: {MINIMUM_SECRET_LENGTH} random characters at least")
    if any(is_weak(key.get_secret_value()) for key in security.secret_key_fallbacks):
        problems.append("SECRET_KEY_FALLBACKS holds a weak key")
    return problems


def is_weak(secret: str) -> bool:
    """Too short, too uniform, or a placeholder that somebody forgot to replace."""
    lowered = secret.lower()
    return (
        len(secret) < MINIMUM_SECRET_LENGTH
        or len(set(secret)) < MINIMUM_SECRET_VARIETY
        or any(word in lowered for word in PLACEHOLDERS)
    )


def _missing_database(database: DatabaseSettings) -> list[str]:
    return [] if database.url else ["DATABASE_URL is not set"]


def _open_doors(web: WebSettings) -> list[str]:
    problems = []
    if "allowed_hosts" not in web.model_fields_set or not web.allowed_hosts:
        problems.append("ALLOWED_HOSTS is not set")
    if any("*" in host for host in web.allowed_hosts):
        problems.append("ALLOWED_HOSTS must name hosts, not *")
    if any("*" in origin for origin in web.allowed_origins):
        problems.append("ALLOWED_ORIGINS must name origins, not *")
    return problems


def _development_key(directory: Path) -> str:
    """Return this checkout's own key, made at random on first use; every worker reads the same."""
    path = directory / "secret_key"
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        draft = directory / f"secret_key.{os.getpid()}.{secrets.token_hex(4)}"
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48), encoding="ascii")
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was first; its key counts
        except OSError:  # a file system without hard links
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    return path.read_text(encoding="ascii").strip()

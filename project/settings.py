"""Typed settings, read from the environment.

The order is: environment variables, then `.env` in the project's root, then one file per
secret in `SECRETS_DIR` (for secret managers that mount files), then, in staging and production,
what a load test found (`deploy/capacity.toml`), then the defaults below.
`load_settings()` reports everything that is wrong at once.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from project import capacity
from project.errors import ImproperlyConfigured
from project.setting_groups import (
    DatabaseSettings,
    Environment,
    GeneralSettings,
    LaneSettings,
    LoggingSettings,
    MailSettings,
    MediaSettings,
    MetricsSettings,
    ReplicaSettings,
    SecuritySettings,
    ServerSettings,
    SettingsGroup,
    TaskSettings,
    WebSettings,
)
from project.setting_problems import explain, find_malformed_lines

__all__ = [
    "ENV_FILE",
    "INSTALLED_APPS",
    "ROOT",
    "DatabaseSettings",
    "GeneralSettings",
    "LaneSettings",
    "LoggingSettings",
    "MailSettings",
    "MediaSettings",
    "MetricsSettings",
    "ReplicaSettings",
    "SecuritySettings",
    "ServerSettings",
    "Settings",
    "SettingsGroup",
    "TaskSettings",
    "WebSettings",
    "is_weak",
    "load_settings",
    "secrets_directory",
]

# Order matters: an app comes after those it requires. Nothing is discovered by being installed.
INSTALLED_APPS: tuple[str, ...] = (
    "apps.health",
    "apps.throttling",
    "apps.monitoring",
    "apps.users",
    "apps.items",
    "apps.orders",
    "apps.audit",
    "apps.jobs",
)

ROOT = Path(__file__).resolve().parent.parent
ENV_FILE = ROOT / ".env"

LOCAL_URL = "http://127.0.0.1:8000"
"""Where `runserver` serves unless it is told otherwise."""

MINIMUM_SECRET_LENGTH = 32
MINIMUM_SECRET_VARIETY = 10
PLACEHOLDERS = ("changethis", "changeme", "change-me", "secret", "insecure", "example", "your-")


class Settings(BaseModel):
    """Every group together; this is what is passed around."""

    model_config = ConfigDict(frozen=True)

    general: GeneralSettings
    database: DatabaseSettings
    replica: ReplicaSettings
    security: SecuritySettings
    web: WebSettings
    media: MediaSettings
    mail: MailSettings
    lanes: LaneSettings
    server: ServerSettings
    tasks: TaskSettings
    metrics: MetricsSettings
    logging: LoggingSettings

    @property
    def environment(self) -> Environment:
        return self.general.environment

    @property
    def is_deployed(self) -> bool:
        """Whether strangers can reach this place: staging and production."""
        return self.general.is_deployed

    @property
    def shutdown_delay(self) -> float:
        """Seconds in which a server that ends is not ready, and answers all the same."""
        wanted = self.server.shutdown_delay
        return wanted if wanted is not None else 0.0 if self.environment == "test" else 1.0

    @property
    def is_https_only(self) -> bool:
        wanted = self.web.https_only
        return self.is_deployed if wanted is None else wanted

    @property
    def site_url(self) -> str | None:
        """What links in mails begin with; None where deployed and not configured."""
        return self.general.site_url or (None if self.is_deployed else LOCAL_URL)

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
    malformed = find_malformed_lines(env_file)
    if malformed:
        raise ImproperlyConfigured(f"Settings: {'; '.join(malformed)}")
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
        measured = capacity.read_capacity()
        values = measured.settings if measured else {}
        groups = {name: _filled_in(groups[name], values, env_file, problems) for name in groups}
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
    name = os.environ.get("SECRETS_DIR")
    is_missing = name and secrets_directory() is None
    return [f"SECRETS_DIR={name!r} is not a directory"] if is_missing else []


def _load_group(group: Any, env_file: Path | None, problems: list[str]) -> Any:
    try:
        return group(_env_file=env_file, _secrets_dir=secrets_directory())
    except ValidationError as error:
        problems += explain(error, group, group.model_config.get("env_prefix", ""))
        return None


def _filled_in(
    group: Any, measured: Mapping[str, int], env_file: Path | None, problems: list[str]
) -> Any:
    """Give what nobody has set the values that a load test found, under the same rules."""
    if group is None:
        return None
    prefix = group.model_config.get("env_prefix", "")
    names = {field: f"{prefix}{field}".upper() for field in type(group).model_fields}
    missing = {
        field: measured[name]
        for field, name in names.items()
        if name in measured and field not in group.model_fields_set
    }
    if not missing:
        return group
    try:
        return type(group)(_env_file=env_file, _secrets_dir=secrets_directory(), **missing)
    except ValidationError as error:
        problems += [f"{capacity.FILE.name}: {one}" for one in explain(error, type(group), prefix)]
        return group


def _weaknesses(groups: Mapping[str, Any]) -> list[str]:
    """List what strangers could exploit; a group that did not load has said so already."""
    looks: dict[str, Callable[[Any], list[str]]] = {
        "security": _weak_secrets,
        "database": _missing_database,
        "web": _open_doors,
        "metrics": _weak_metrics_token,
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


def _weak_metrics_token(metrics: MetricsSettings) -> list[str]:
    if metrics.token is None or not is_weak(metrics.token.get_secret_value()):
        return []
    return [f"METRICS_TOKEN is weak: {MINIMUM_SECRET_LENGTH} random characters at least"]


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

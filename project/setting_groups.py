"""The groups of settings, each a class: a field with its default, and what it means.

`project.settings` puts them together and reads them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from project.setting_types import (
    DatabaseURL,
    MailAddress,
    MailURL,
    Names,
    Seconds,
    Secrets,
    SiteURL,
)

Environment = Literal["development", "test", "staging", "production"]


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

    language_code: str = "en"
    """The language of the admin for browsers that prefer none of those that are offered."""

    languages: Names = ("en", "de")
    """Languages that the admin offers; each has catalogues (`makemessages`)."""

    site_url: SiteURL | None = None
    """Where people reach this place, `https://example.com`; links in mails begin with it."""

    data_directory: Path = Path(".data")
    """Where the embedded database and the development key are kept, seen from the root."""

    sentry_dsn: SecretStr | None = None
    """Where errors are reported, `https://key@sentry.example.com/1`; needs the extra `sentry`."""

    silenced_checks: Names = ()
    """Ids of system checks that are known and accepted, `web.W002` say."""


class DatabaseSettings(SettingsGroup):
    """How to reach PostgreSQL, and how long to wait for it."""

    model_config = SettingsConfigDict(env_prefix="DATABASE_")

    url: DatabaseURL = Field(default=None, repr=False)  # it may hold a password
    """`postgresql://…`. Unset in development and test: the embedded server is started."""

    direct_url: DatabaseURL = Field(default=None, repr=False)
    """The same database past the pooler (PgBouncer in transaction mode) that `url` then names."""

    pool_size: int = Field(default=8, ge=1, le=200)
    """Connections of one worker, and threads of its database lane: always the same number."""

    async_pool_size: int = Field(default=2, ge=1, le=200)
    """Connections of one worker for `async def` routes, which hold them for moments."""

    queue_size: int = Field(default=200, ge=0)
    """Requests of one worker that may wait for a connection; the next one gets a 503."""

    queue_timeout: Seconds = 5.0
    """Seconds that a request may wait for a connection before it gets a 503."""

    connect_timeout: int = Field(default=2, ge=1)
    """Seconds to wait for a new connection. libpq counts whole seconds."""

    statement_timeout: Seconds = 5.0
    """Seconds after which the server cancels a statement. Silent for two more, it is given up."""

    lock_timeout: Seconds = 1.25
    """Seconds after which the server gives up waiting for a lock.

    Longer than PostgreSQL's `deadlock_timeout` of 1 s: a deadlock that is found is run again.
    """

    idle_in_transaction_timeout: Seconds = 30.0
    """Seconds after which the server ends a session that forgot its transaction."""

    client_check_interval: float = Field(default=1.0, ge=0, le=86_400)
    """Seconds between the server's looks whether a client still lives; 0 where it cannot."""


class ReplicaSettings(SettingsGroup):
    """A streaming replica of the database, for routes that take `ReplicaSession`."""

    model_config = SettingsConfigDict(env_prefix="DATABASE_REPLICA_")

    url: DatabaseURL = Field(default=None, repr=False)  # it may hold a password
    """Where it is. Unset: there is none, and the primary answers everything."""

    pool_size: int = Field(default=8, ge=1, le=200)
    """Connections of one worker to it, and threads of its lane."""

    max_lag: float = Field(default=5.0, ge=1, le=3600, allow_inf_nan=False)
    """Seconds that it may be behind; past them the primary answers."""

    timeout: float = Field(default=3.0, ge=0.1, le=60, allow_inf_nan=False)
    """Seconds after which it cancels a statement, and the primary answers."""


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

    https_only: bool | None = None
    """Whether plain HTTP is refused. Unset: in staging and production."""

    hsts_seconds: int = Field(default=31_536_000, ge=0)
    """Seconds for which browsers speak HTTPS alone to a deployment; 0 leaves it to them."""

    hsts_include_subdomains: bool = False
    """Whether that counts for every name below the host, too."""

    hsts_preload: bool = False
    """Whether browsers may have it built in."""


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


class MailSettings(SettingsGroup):
    """Mail that leaves."""

    mail_url: MailURL | None = Field(default=None, repr=False)  # it may hold a password
    """Who takes it. Unset: the console in development, nobody where deployed."""

    mail_from: MailAddress = "Lintel <noreply@localhost>"
    """Whom it comes from: an address, with a name before it or without."""

    mail_via_tasks: bool = False
    """Whether mail is sent by workers (`manage.py worker`), which lose none, instead of here."""


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

    replicas: int = Field(default=1, ge=1, le=10_000)
    """Machines or containers like this one on the same database; `check --deploy` counts them."""

    worker_max_requests: int | None = Field(default=None, ge=100)
    """Requests (up to a tenth more) that one of several workers answers in its life; unset: all."""

    shutdown_timeout: int = Field(default=25, ge=1)
    """Seconds that requests in flight get to finish after SIGTERM."""

    shutdown_delay: float | None = Field(default=None, ge=0, le=60, allow_inf_nan=False)
    """Seconds after SIGTERM in which new ones are still taken; unset: 1, and in tests none."""

    loop_guard: bool | None = None
    """Whether what blocks the event loop is named in the log; unset: in development and test."""

    loop_guard_threshold: float = Field(default=0.1, ge=0.01, le=60, allow_inf_nan=False)
    """Seconds that the event loop may be blocked before the guard names the culprit."""

    server_timing: bool | None = None
    """Whether answers say what they cost in a header; unset: in development alone."""


class TaskSettings(SettingsGroup):
    """The worker that runs tasks (`manage.py worker`)."""

    model_config = SettingsConfigDict(env_prefix="TASKS_")

    concurrency: int = Field(default=4, ge=1, le=100)
    """Jobs that one worker runs at a time, each in a thread with a connection."""

    timeout: float = Field(default=300.0, ge=1, le=86_400, allow_inf_nan=False)
    """Seconds that an attempt may take; what ends later is rolled back and has failed."""

    heartbeat: float = Field(default=10.0, ge=0.1, le=300, allow_inf_nan=False)
    """Seconds between signs of life; without three of them others take a worker's jobs over."""

    keep_days: int = Field(default=7, ge=1, le=3650)
    """Days for which jobs that succeeded or were cancelled can be looked at."""

    keep_failed_days: int = Field(default=30, ge=1, le=3650)
    """The same for those that failed or were cancelled at work."""


class MetricsSettings(SettingsGroup):
    """What collectors of metrics may read at `/metrics`."""

    model_config = SettingsConfigDict(env_prefix="METRICS_")

    token: SecretStr | None = None
    """What they send as bearer token. Unset: open in development and test, 404 where deployed."""

    directory: Path | None = None
    """Where the workers of one server exchange counters; unset: `runserver` makes a folder."""


class LoggingSettings(SettingsGroup):
    """What is written to standard error."""

    model_config = SettingsConfigDict(env_prefix="LOG_")

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The lowest level that is written."""

    format: Literal["text", "json"] | None = None
    """`text` for people, `json` for machines; unset: json in staging and production."""

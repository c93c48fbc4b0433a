"""What one process holds while it runs, passed around instead of living in globals."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection

from project.app_settings import SettingsOfApps
from project.apps import Registry
from project.db.asynchronous import AsyncDatabase
from project.db.feeds import Feeds
from project.db.session import Database
from project.mail.mailers import Mailer
from project.mail.outbox import Outbox
from project.metrics.counting import Metrics
from project.permissions import Permissions
from project.settings import Settings
from project.storage import Storage
from project.templating import Templates
from project.web.gate import Gate
from project.web.lanes import Lanes
from project.web.vitals import Vitals

if TYPE_CHECKING:
    from project.trail import Trail
    from project.web.principal import Authenticator
    from project.web.replica import ReplicaReads
    from project.web.throttling import Limiter


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """Settings, apps, database, lanes, feeds, storage, mail and templates of this process."""

    settings: Settings
    app_settings: SettingsOfApps
    registry: Registry
    permissions: Permissions
    """All that can be granted, from the models of the installed apps."""

    database: Database
    async_database: AsyncDatabase
    replica: "ReplicaReads | None"
    """The streaming replica, if there is one, with what is known of it."""

    lanes: Lanes
    async_gate: Gate
    """In front of the async database's pool, and as large."""

    feeds: Feeds
    storage: Storage
    mailer: Mailer
    """Sends a mail and waits until it was taken; for what is no request."""

    outbox: Outbox
    """Sends by the same way, without a wait; see `send_after_commit`."""

    templates: Templates
    vitals: Vitals
    """What this process did lately: requests, errors, how late its event loop was."""

    metrics: Metrics
    """What this worker has counted for collectors, and the way to what the others have."""

    authenticator: "Authenticator | None"
    """The installed app's `identity.py` that knows who signs in, if any has one."""

    limiter: "Limiter | None"
    """What the installed app's `limiter.py` made, if any has one and it counts here."""

    trail: "Trail | None"
    """The installed app's `trail.py` that keeps the history of changes, if any has one."""


def runtime_of(connection: HTTPConnection) -> Runtime:
    """Return the runtime of the application that answers this request."""
    runtime: Runtime = connection.app.state.runtime
    return runtime

"""What apps put onto the overview.

class SignUps(DailyPlot):
    title, permission = "Sign-ups", "users.view_user"

    def daily(self, session: Session, since: date) -> Mapping[date, Decimal | int]:
        return queries.sign_ups_by_day(session, since=since)

panels = (SignUps(),)  # in the app's admin.py
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from project.admin.dashboard.plots import Plot
from project.apps import AppConfig
from project.db.base import snake_case
from project.errors import AppError
from project.permissions import Permissions


class Panel(ABC):
    """A part of the overview, for whoever holds its permission."""

    title: ClassVar[str]
    permission: ClassVar[str]
    template: ClassVar[str]
    refresh: ClassVar[int | None] = None
    """Seconds after which a browser with JavaScript asks for it again."""

    is_wide: ClassVar[bool] = False

    name: str = ""
    """How its address ends: `<app>-<class>`; given by `adopt_panels`."""

    @abstractmethod
    def read(self, session: Session) -> Mapping[str, Any]:
        """Return what the template is filled in with; nothing that still needs the session."""


class DailyPlot(Panel):
    """A number for each day, as bars that work without JavaScript."""

    template = "sqladmin/panels/plot.html"
    days: ClassVar[int] = 30
    unit: ClassVar[str] = ""

    @abstractmethod
    def daily(self, session: Session, since: date) -> Mapping[date, Decimal | int]:
        """Return the number of each day (UTC) from this one on; days without one may be absent."""

    def read(self, session: Session) -> Mapping[str, Any]:
        today = datetime.now(UTC).date()
        since = today - timedelta(days=self.days - 1)
        found = self.daily(session, since)
        days = [since + timedelta(days=number) for number in range(self.days)]
        return {"plot": Plot.of([(day, found.get(day, 0)) for day in days]), "unit": self.unit}


def adopt_panels(app: AppConfig, declared: object, permissions: Permissions) -> list[Panel]:
    """Name what an app declares. Raises AppError for what is no panel or lacks a permission."""
    if not isinstance(declared, tuple) or not all(isinstance(each, Panel) for each in declared):
        raise AppError(f"App '{app.label}': `panels` in admin.py must be a tuple of panels.")
    for panel in declared:
        kind = type(panel)
        permissions.require(panel.permission, f"{kind.__module__}.{kind.__name__}")
        panel.name = f"{app.label}-{snake_case(kind.__name__)}".replace("_", "-")
    return list(declared)

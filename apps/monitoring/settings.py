from pydantic import Field

from project.app_settings import AppSettings


class MonitoringSettings(AppSettings):
    heartbeat: float | None = Field(default=None, ge=0, le=60)
    """Seconds between two signs of life of a worker; 0 sends none. Unset: 5, in tests 0."""

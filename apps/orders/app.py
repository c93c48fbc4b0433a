"""Buying: orders that never sell what is not there, and that a retry never doubles."""

from project.apps import AppConfig

app = AppConfig(
    label="orders",
    title="Orders",
    description="Orders: stock that is right under concurrency, safe retries, cancellation.",
    requires=("users", "items"),
)

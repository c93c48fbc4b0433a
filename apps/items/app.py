"""The catalogue: what the shop sells, who sells it, and how people find it."""

from project.apps import AppConfig

app = AppConfig(
    label="items",
    title="Items",
    description="The catalogue: items with a price and a stock, listed, sorted and searched.",
    requires=("users",),
)

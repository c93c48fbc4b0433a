"""Data to start with: a small shop to look at, and a large one to measure with."""

from apps.items.seeds.generated import bulk
from apps.items.seeds.shop import sample

__all__ = ["bulk", "sample"]

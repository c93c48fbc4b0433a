"""Figures as people read them: three digits, a unit, and a dash for what nobody knows."""

import math
from datetime import UTC, datetime

UNKNOWN = "–"  # noqa: RUF001 - typography
NARROW_SPACE = "\u202f"
MEBI = 2**20
MINUTE, HOUR = 60, 3600


def is_known(value: float | None) -> bool:
    """Whether it is a figure at all."""
    return value is not None and math.isfinite(value)


def number(value: float | None) -> str:
    """Write three digits, more only before the point: 0.043, 4.3, 43, 4,300."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if value == 0:
        return "0"
    places = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{min(places, 6)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def per_second(value: float | None) -> str:
    """Write a rate: `43/s`."""
    return f"{number(value)}/s" if is_known(value) else UNKNOWN


def duration(seconds: float | None) -> str:
    """Write a short time in milliseconds, from one second on in seconds, then minutes."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    if seconds < 1:
        return f"{number(seconds * 1000)} ms"
    if seconds < 2 * MINUTE:
        return f"{number(seconds)} s"
    return f"{seconds / MINUTE:.0f} min" if seconds < 2 * HOUR else f"{seconds / HOUR:.1f} h"


def milliseconds(seconds: float | None) -> str:
    """Write milliseconds without their unit, for columns that name it."""
    return number(seconds * 1000) if seconds is not None else UNKNOWN


def percent(share: float | None) -> str:
    """Write a share: `12 %`; what is there but rounds to nothing is not called nothing."""
    if share is None or not math.isfinite(share):
        return UNKNOWN
    value = share * 100
    if 0 < abs(value) < 0.01:  # noqa: PLR2004 - the last digit that is shown
        return "<0.01 %"
    return f"{value:.2g} %" if abs(value) < 1 else f"{value:.3g} %"


def size(octets: float | None) -> str:
    """Write an amount of memory."""
    if octets is None or not math.isfinite(octets):
        return UNKNOWN
    mebi = octets / MEBI
    return f"{number(mebi)} MiB" if mebi < 2**10 else f"{number(mebi / 2**10)} GiB"


def ratio(value: float | None) -> str:
    """Write a ratio with two places and a sign of multiplication."""
    return f"{value:.2f}×" if value is not None and math.isfinite(value) else UNKNOWN  # noqa: RUF001


def moment(epoch: float) -> str:
    """Write a moment in UTC."""
    try:
        return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (OverflowError, OSError, ValueError):
        return UNKNOWN


def counted(number_of: int, one: str, many: str = "") -> str:
    """Write how many of something: `1 window`, `3 windows`."""
    return f"{number_of:,} {one if number_of == 1 else many or one + 's'}"

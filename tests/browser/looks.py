"""What a page looks like, to those who see it and to those who do not."""

from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

SCREENSHOTS = Path(__file__).with_name("screenshots")
"""Kept after a run, outside of the repository."""

DESKTOP = {"width": 1280, "height": 860}
TELEPHONE = {"width": 390, "height": 844}

BAD = ("serious", "critical")


def examine(page: Page, name: str) -> list[str]:
    """Return what axe finds at all widths and colours, and what does not fit a telephone.

    Colours change nothing but contrast, so the dark page is asked for that alone.
    """
    page.evaluate(AXE_SCRIPT)
    found = []
    for scheme, size, rules in (
        ("light", DESKTOP, []),
        ("light", TELEPHONE, []),
        ("dark", TELEPHONE, ["color-contrast"]),
        ("dark", DESKTOP, ["color-contrast"]),
    ):
        look = f"{name}, {scheme}, {size['width']}"
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size(size)  # type: ignore[arg-type]
        found += [f"{look}: {complaint}" for complaint in _ask_axe(page, rules)]
        if width_of(page) > size["width"]:
            found.append(f"{look}: wider than the window")
        if (scheme == "dark") == (size is TELEPHONE):
            keep(page, f"{name}-{scheme}-{size['width']}")
    return found


def width_of(page: Page) -> int:
    """Measure how wide a page is, once its style sheets are there."""
    page.wait_for_load_state()
    return int(page.evaluate("document.documentElement.scrollWidth"))


def keep(page: Page, name: str) -> None:
    """Keep a picture of the page for people to look at."""
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def _ask_axe(page: Page, rules: list[str]) -> list[str]:
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = rules
    answer = page.evaluate("options => axe.run(options)", options)
    assert answer["passes"], "axe looked at nothing"
    return [
        f"{violation['id']} at {node['target']}"
        for violation in answer["violations"]
        if violation["impact"] in BAD
        for node in violation["nodes"]
    ]

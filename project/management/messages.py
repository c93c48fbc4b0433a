"""Where catalogues are, for the commands that work on them."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

from project.apps import ROOT, Registry
from project.errors import CommandError
from project.i18n.catalogues import ADMIN_FOLDER


def require_babel(command: str) -> None:
    """Raise CommandError where the tool for catalogues is not installed: in the image, say."""
    if importlib.util.find_spec("babel") is None:
        raise CommandError(
            f"{command} needs Babel, which is not installed here: run it where you "
            "develop (uv sync)."
        )


def catalogues(registry: Registry) -> Iterator[tuple[Path, str]]:
    """Yield the text of each catalogue of this project, with its language."""
    for folder in (ADMIN_FOLDER, *registry.locale_folders()):
        if folder.is_relative_to(ROOT) and "site-packages" not in folder.parts:
            for po in sorted(folder.glob("*/LC_MESSAGES/*.po")):
                yield po, po.parent.parent.name.replace("_", "-")

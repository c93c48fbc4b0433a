"""How the laboratory and the processes of a server talk: variables one way, files the other."""

import json
import os
import time
from pathlib import Path
from typing import Any

FOLDER = "LOADTEST_PROBE_FOLDER"
"""Where each worker writes `<pid>.jsonl`, and the first process `port`."""

APPLICATION = "LOADTEST_PROBE_APPLICATION"
"""What is served, `module:name`; the project's own where it is not set."""

IS_PROBED = "LOADTEST_PROBE"
"""`1` for a probe in each worker; otherwise they only say that they are there."""

USUAL_APPLICATION = "project.asgi:app"


def folder() -> Path:
    return Path(os.environ[FOLDER])


def application() -> str:
    return os.environ.get(APPLICATION) or USUAL_APPLICATION


def is_probed() -> bool:
    return os.environ.get(IS_PROBED) == "1"


def tell_port(port: int) -> None:
    """Say where the server listens; whoever reads the file reads all of it."""
    draft = folder() / "port.part"
    draft.write_text(str(port), encoding="ascii")
    draft.replace(folder() / "port")


class Channel:
    """The file of this worker: a JSON object on each line, with its moment."""

    def __init__(self) -> None:
        path = folder() / f"{os.getpid()}.jsonl"
        self._file = path.open("a", buffering=1, encoding="utf-8")

    def write(self, **values: Any) -> None:
        """Write a line, whole: the reader takes lines that have ended."""
        self._file.write(json.dumps({"at": time.time(), **values}, separators=(",", ":")) + "\n")

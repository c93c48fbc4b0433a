"""Keeps compiled modules where they disturb nobody.

PYTHONDONTWRITEBYTECODE, set in many containers and shells, keeps a source tree clean; without
any bytecode, though, every command compiles all its libraries anew and takes seconds longer.
So the bytecode goes under `.data/`, which belongs to this project, unless somebody has already
said where it goes or the folder cannot be written.
"""

import os
import sys
from pathlib import Path

FOLDER = Path(".data") / "bytecode"


def keep_bytecode(root: Path) -> None:
    """Let this process and those that it starts write and read bytecode under `.data/`."""
    if not sys.dont_write_bytecode or sys.pycache_prefix is not None:
        return
    if not os.access(root, os.W_OK):
        return
    folder = str(root / FOLDER)
    sys.dont_write_bytecode = False
    sys.pycache_prefix = folder
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = folder

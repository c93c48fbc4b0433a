"""The suite of a project without some of its sample apps.

    python -m tests.removal users items orders

`.ci/run` does this for all apps that own a table, which is the hardest case.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from sqlalchemy import make_url

from project.settings import load_settings
from tests.copies import ProjectCopy

NOT_USED = make_url("postgresql://")  # the suite makes databases of its own


def main(*labels: str) -> int:
    """Remove these apps from a copy, run what is left of the suite; return its exit code."""
    with tempfile.TemporaryDirectory(prefix="without_") as folder:
        copy = ProjectCopy.make(Path(folder), NOT_USED)
        for label in labels:
            copy.remove(label)
        # The suite's own server is shared: what is left has the same migrations.
        shared = {"DATA_DIRECTORY": str(load_settings(env_file=None).data_directory)}
        return subprocess.run(
            [sys.executable, "manage.py", "test", "-q"],
            cwd=copy.root,
            env=os.environ | shared,
            check=False,
        ).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

#!/usr/bin/env python
"""The command line of this project; `python manage.py help` lists what it can do."""

import sys
from pathlib import Path

# Checked before anything else: an older interpreter fails on the imports below in odd ways.
if sys.version_info < (3, 11):  # noqa: UP036 -- the interpreter at hand may be any
    found = "{}.{}".format(*sys.version_info)
    sys.exit(f"Error: Python 3.11 or newer is needed and this is {found}: try `uv run manage.py`.")

if __name__ == "__main__":
    # The script's own folder may be missing from the path (`python -P`, PYTHONSAFEPATH).
    root = str(Path(__file__).resolve().parent)
    if root not in sys.path:
        sys.path.insert(0, root)

    from project.management import main

    sys.exit(main())

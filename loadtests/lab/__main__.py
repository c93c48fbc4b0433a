"""`python -m loadtests.lab …`, which is what `manage.py loadtest …` runs."""

import sys

from loadtests.lab.cli import main

if __name__ == "__main__":
    sys.exit(main())

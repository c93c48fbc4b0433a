"""Bear a part of the load for a laboratory on another machine.

    python manage.py loadtest worker --master 10.0.0.5

Runs until Ctrl-C, one measurement after the other. The master's own command line says that it
waits for workers (`run --distributed 2`); both need the same revision of the project. What is
loaded must be named in LOADTEST_ALLOWED_HOSTS here, too.
"""

import argparse

from loadtests.lab.generator.driver import MASTER_PORT, bear
from project.management.parser import positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--master", required=True, metavar="HOST", help="where the master is")
    parser.add_argument("--port", type=positive, default=MASTER_PORT, help="of the master")
    parser.add_argument("--once", action="store_true", help="end with the first measurement")


def handle(options: argparse.Namespace) -> int:
    print(f"Waiting for {options.master}:{options.port}; Ctrl-C ends it.", flush=True)
    while True:
        bear(options.master, options.port)
        if options.once:
            return 0
        print("A measurement is over; waiting for the next.", flush=True)

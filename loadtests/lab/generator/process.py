"""The generator's process; `driver.py` starts it and tells it in one line of JSON what to do.

    python -m loadtests.lab.generator.process conduct     leads, and bears the load itself
    python -m loadtests.lab.generator.process work        bears a part of it for a master

It ends when its standard input does: whoever started it has then gone.
"""

import locust  # isort: skip - before all else, for it replaces sockets and threads

import json
import logging
import os
import signal
import sys
from typing import Any, NoReturn

import gevent
from locust import runners
from locust.env import Environment
from pydantic import TypeAdapter

from loadtests.lab.generator.conductor import Alone, Worker, Workers, conduct, reason_of
from loadtests.lab.generator.plan import Plan
from loadtests.lab.generator.tally import Tally

REPORT_EVERY = 0.2
"""Seconds. Locust's own three would be waited for at the end of every segment."""

_TALLY = TypeAdapter(Tally)
_DRIVER, sys.stdout = sys.stdout, sys.stderr  # what a scenario prints is not for the driver


def main(role: str) -> int:
    """Do what the first line of standard input says."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started this
    orders = json.loads(gevent.get_hub().threadpool.apply(sys.stdin.readline))
    gevent.spawn(end_with_input)
    runners.WORKER_REPORT_INTERVAL = REPORT_EVERY
    runners.WORKER_LOG_REPORT_INTERVAL = -1
    logging.getLogger("locust").setLevel(logging.ERROR)
    try:
        return lead(orders) if role == "conduct" else work(orders)
    except Exception as error:  # noqa: BLE001 - its one line is what the driver tells
        print(f"Error: {reason_of(error)}", file=sys.stderr)
        return 1


def lead(orders: dict[str, Any]) -> int:
    """Walk through the plan, and write what is to be told on standard output."""
    plan = Plan.load(json.dumps(orders["plan"]))
    environment = Environment(events=locust.events)
    if "workers" not in orders:
        for tally in conduct(plan, Alone(), tell):
            tell({"tally": _TALLY.dump_python(tally, mode="json")})
        return 0
    runner = environment.create_master_runner(orders["bind"], orders["port"])
    try:
        for tally in conduct(plan, Workers(environment, runner, orders["workers"]), tell):
            tell({"tally": _TALLY.dump_python(tally, mode="json")})
    finally:
        runner.quit()
    return 0


def work(orders: dict[str, Any]) -> int:
    """Be a worker until the master says that it is over."""
    environment = Environment(events=locust.events)
    runner = environment.create_worker_runner(orders["master"], orders["port"])
    Worker(environment, runner)
    runner.greenlet.join()
    return 0


def tell(message: dict[str, Any]) -> None:
    """Write a line for the driver."""
    _DRIVER.write(json.dumps(message) + "\n")
    _DRIVER.flush()


def end_with_input() -> NoReturn:
    """Wait for the end of standard input, and end with it."""
    gevent.get_hub().threadpool.apply(sys.stdin.read)
    os._exit(1)


if __name__ == "__main__":
    code = main(sys.argv[1])
    sys.stderr.flush()
    os._exit(code)  # a thread still waits for standard input, and would for ever

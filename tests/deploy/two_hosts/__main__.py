"""Put the stage up, do everything that can happen, and print what customers noticed."""

import sys
import time

from tests.deploy.two_hosts.blows import BLOWS, HEAD
from tests.deploy.two_hosts.customers import shopping
from tests.deploy.two_hosts.machines import CAN_WIRE
from tests.deploy.two_hosts.stage import put_up


def main() -> int:
    if not CAN_WIRE:
        print("Network namespaces are Linux's, and laid out by root alone.", file=sys.stderr)
        return 2
    began = time.monotonic()
    with put_up() as stage:
        print(f"Two hosts, nginx, a primary and its replica: up after {_since(began)}.\n\n{HEAD}")
        with shopping(stage.proxy, stage.token) as ledger:
            for strike in BLOWS:
                for blow in strike(stage, ledger):
                    print(blow.row(), flush=True)
        balance = stage.balance(ledger)
    print(f"\n{len(ledger.events):,} requests in {_since(began)}. {balance}")
    return 1 if balance.lost or balance.doubled or not balance.is_same_on_replica else 0


def _since(began: float) -> str:
    return f"{time.monotonic() - began:.0f} s"


if __name__ == "__main__":
    sys.exit(main())

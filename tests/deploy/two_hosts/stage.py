"""Everything put up: hosts, proxy, databases, an account that may write."""

import http.client
import json
import os
import secrets
import signal
import tempfile
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlalchemy import make_url

from tests.deploy.proxies import Proxy, proxying
from tests.deploy.two_hosts.customers import HOST, NAME, Ledger
from tests.deploy.two_hosts.machines import PORT, Machine, Network, wired
from tests.processes import DEADLINE, environment_for, run_manage, until
from tests.replicas import Pair, streaming

EMAIL = "keeper@example.com"
DATABASE = "lintel"
ROWS = f"SELECT json_agg(name) FROM items_item WHERE name LIKE '{NAME} %'"  # noqa: S608 - a constant


@dataclass
class Stage:
    """What is there, and what can be done to it."""

    network: Network
    pair: Pair
    proxy: Proxy
    env: Mapping[str, str]
    folder: Path
    token: str

    def serve(self, machine: Machine) -> None:
        machine.serve(self.env, self.folder / f"{machine.name}.log")

    def end_primary(self, number: signal.Signals) -> None:
        """Send the primary's postmaster a signal and wait for its end."""
        process = self.pair.primary.status().pid
        assert process is not None
        os.kill(process, number)
        until(lambda: not psutil.pid_exists(process), "the primary to end")

    def balance(self, ledger: Ledger) -> "Balance":
        """Compare what was acknowledged with the rows of both databases."""
        self.pair.catch_up()
        primary, standby = (
            self.pair.say(server, ROWS) for server in (self.pair.primary, self.pair.standby)
        )
        return Balance(ledger, primary, sorted(primary) == sorted(standby))


class Balance:
    """The ledger beside the rows."""

    def __init__(self, ledger: Ledger, rows: list[str], is_same_on_replica: bool) -> None:
        told, found = set(ledger.acknowledged), set(rows)
        self.acknowledged = len(told)
        self.lost = told - found
        self.doubled = len(rows) - len(found)
        self.unacknowledged = len(found - told)
        """Committed, and the answer was lost on its way."""

        self.is_same_on_replica = is_same_on_replica

    def __str__(self) -> str:
        same = "the same" if self.is_same_on_replica else "NOT the same"
        return (
            f"{self.acknowledged:,} writes were acknowledged, {len(self.lost)} of them are lost; "
            f"{self.unacknowledged} were committed and nobody was told; {self.doubled} are there "
            f"twice; the replica has {same}."
        )


@contextmanager
def put_up() -> Iterator[Stage]:
    """Build the stage, and take it down whatever happens."""
    with (
        tempfile.TemporaryDirectory() as name,
        wired() as network,
        streaming(Path(name)) as pair,
    ):
        folder = Path(name)
        _listen(pair, network)
        env = _environment(network, folder)
        for words in (("migrate",), ("createsuperuser", "--noinput")):
            finished = run_manage(*words, env=dict(env))
            assert finished.returncode == 0, finished.stderr
        for machine in network.machines:
            machine.serve(env, folder / f"{machine.name}.log")
        addresses = [f"{machine.address}:{PORT}" for machine in network.machines]
        with proxying(*addresses) as proxy:
            token = _sign_in(proxy, env["SUPERUSER_PASSWORD"])
            yield Stage(network, pair, proxy, env, folder, token)


def _listen(pair: Pair, network: Network) -> None:
    """Let both servers listen on the network, to which it is known who belongs."""
    addresses = {pair.primary: network.primary, pair.standby: network.standby}
    for server, address in addresses.items():
        with (server.directory / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {network.subnet} trust\n")
        pair.say(server, f"ALTER SYSTEM SET listen_addresses = '{address}'")
    pair.standby.stop()
    pair.primary.stop()
    for server in addresses:
        server.start()


def _environment(network: Network, folder: Path) -> dict[str, str]:
    """A deployment's settings, the same on both hosts."""
    url = make_url("postgresql+psycopg://postgres@host:5432").set(database=DATABASE)
    return environment_for(
        url.set(host=network.primary),
        DATABASE_REPLICA_URL=str(url.set(host=network.standby)),
        DATABASE_POOL_SIZE="8",
        ENVIRONMENT="production",
        SECRET_KEY=secrets.token_urlsafe(48),
        ALLOWED_HOSTS=HOST,
        TRUSTED_PROXIES=network.primary,
        MEDIA_DIRECTORY=str(folder / "media"),
        MAIL_URL=f"file:{folder / 'mail'}",
        WORKERS="1",
        LOG_LEVEL="WARNING",
        SUPERUSER_EMAIL=EMAIL,
        SUPERUSER_PASSWORD=secrets.token_urlsafe(16),
    )


def _sign_in(proxy: Proxy, password: str) -> str:
    form = urllib.parse.urlencode({"username": EMAIL, "password": password})
    headers = {
        "Host": HOST,
        "X-Forwarded-Proto": "https",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=DEADLINE)
    try:
        connection.request("POST", "/api/v1/auth/token", form, headers)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == http.HTTPStatus.OK, body
        return str(json.loads(body)["access_token"])
    finally:
        connection.close()

"""Machines that are network namespaces on one switch, which is a bridge."""

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from project.settings import ROOT
from tests.processes import DEADLINE, until

CAN_WIRE = sys.platform == "linux" and os.geteuid() == 0
PORT = 8000


def ip(*words: str) -> str:
    """Run iproute2's command."""
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


class Machine:
    """A host: its processes, and the cable from it to the switch."""

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.address = address
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def cable(self) -> str:
        """Name the switch's end of its cable."""
        return f"{self.name}s"

    def serve(self, env: Mapping[str, str], log: Path) -> None:
        """Start the application, and wait until it is ready."""
        server = ["manage.py", "runserver", "--no-reload", "--host", self.address]
        words = ["ip", "netns", "exec", self.name, sys.executable, *server, "--port", str(PORT)]
        with log.open("ab") as output:
            process = self._process = subprocess.Popen(
                words, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        until(lambda: self.is_ready() or process.poll() is not None, f"{self.name} to be ready")
        assert process.poll() is None, log.read_text()

    def is_ready(self) -> bool:
        connection = http.client.HTTPConnection(self.address, PORT, timeout=5)
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def end(self) -> None:
        """End the application in order, as a deployment does."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(DEADLINE)

    def kill(self) -> None:
        """Kill all that runs on it."""
        if self._process is None:
            return
        for process in map(int, ip("netns", "pids", self.name).split()):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._process.wait(DEADLINE)

    def unplug(self) -> None:
        """Pull the cable: whoever talks to it hears nothing any more, no refusal either."""
        ip("link", "set", self.cable, "down")

    def plug(self) -> None:
        ip("link", "set", self.cable, "up")


class Network:
    """The switch, with two addresses of this machine: for the primary, and for the replica."""

    def __init__(self, number: int) -> None:
        self.switch = f"ls{os.getpid()}"
        self.subnet = f"10.214.{number}.0/24"
        self.primary, self.standby = f"10.214.{number}.1", f"10.214.{number}.2"
        self.machines = [
            Machine(f"lh{os.getpid()}{letter}", f"10.214.{number}.{10 + place}")
            for place, letter in enumerate("ab")
        ]


@contextmanager
def wired() -> Iterator[Network]:
    """Lay the cables; everything that runs on the machines is killed in the end."""
    network = Network(os.getpid() % 250 + 1)
    with ExitStack() as stack:
        ip("link", "add", network.switch, "type", "bridge")
        stack.callback(ip, "link", "delete", network.switch)
        for address in (network.primary, network.standby):
            ip("address", "add", f"{address}/24", "dev", network.switch)
        ip("link", "set", network.switch, "up")
        for machine in network.machines:
            _add(machine, network.switch, stack)
        yield network


def _add(machine: Machine, switch: str, stack: ExitStack) -> None:
    name, cable, end = machine.name, machine.cable, f"{machine.name}e"
    ip("netns", "add", name)
    stack.callback(ip, "netns", "delete", name)  # and both ends of the cable with it
    stack.callback(machine.kill)
    ip("link", "add", cable, "type", "veth", "peer", "name", end, "netns", name)
    ip("link", "set", cable, "master", switch, "up")
    ip("-n", name, "address", "add", f"{machine.address}/24", "dev", end)
    for device in ("lo", end):
        ip("-n", name, "link", "set", device, "up")

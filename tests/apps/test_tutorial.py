"""The tutorial in apps/README.md works: this types it into a copy of the project."""

import argparse
import json
import re
import shlex
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pytest

from project.settings import ROOT
from tests.checkouts import Checkout, fresh_checkout
from tests.processes import DEADLINE, Server, serving

HEADING = "## A guest book in ten minutes\n"
BLOCK = re.compile(
    r"(?P<before>[^\n]*)\n\n```(?P<kind>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
FILE = re.compile(r"`([\w./]+)`:$")
ANYTHING = "…"
MANAGE = "python manage.py "


class Block(NamedTuple):
    """A block of code: what kind, which file the line before it names, and what it says."""

    kind: str
    path: str
    body: str


def blocks() -> Iterator[Block]:
    text = (ROOT / "apps/README.md").read_text("utf-8").partition(HEADING)[2]
    for found in BLOCK.finditer(text.partition("\n## ")[0]):
        named = FILE.search(found["before"])
        yield Block(found["kind"], named[1] if named else "", found["body"])


@dataclass
class Reader:
    """Somebody who does what the tutorial says, and sees what it shows."""

    copy: Checkout
    folder: Path
    servers: ExitStack
    server: Server | None = None
    token: str = ""
    said: str = ""
    done: list[str] = field(default_factory=list)

    def follow(self, block: Block) -> None:
        getattr(self, f"follow_{block.kind}")(block)
        self.done.append(block.kind)

    def follow_sh(self, block: Block) -> None:
        self.said = "".join(self.type(line) for line in block.body.splitlines())

    def follow_text(self, block: Block) -> None:
        """Compare what was said last: each line somewhere in it, in this order."""
        rest = self.said
        for line in block.body.splitlines():
            pattern = re.escape(line).replace(re.escape(ANYTHING), ".*")
            found = re.search(rf"^\s*{pattern.lstrip()}$", rest, re.MULTILINE)
            assert found, f"{line}\nis not in\n{rest}"
            rest = rest[found.end() :]

    def follow_python(self, block: Block) -> None:
        path = self.copy.root / block.path
        assert block.path, f"no file is named before\n{block.body}"
        assert not path.exists(), f"{block.path} is there already"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.body, "utf-8")

    follow_html = follow_python

    def follow_diff(self, block: Block) -> None:
        path = self.copy.root / block.path
        text = path.read_text("utf-8")
        for hunk in block.body.split("@@\n"):
            before, after = (sides(hunk, left_out) for left_out in "+-")
            assert text.count(before) == 1, f"{block.path} has not once\n{before}"
            text = text.replace(before, after)
        path.write_text(text, "utf-8")

    def type(self, line: str) -> str:
        """Run one line and return what it says."""
        if line.startswith("curl "):
            return self.ask(shlex.split(line)[1:]) + "\n"
        assert line.startswith(MANAGE), line
        words = shlex.split(line.removeprefix(MANAGE))
        if words == ["runserver"]:
            root, env, log = self.copy.root, self.copy.env, self.folder / "log"
            self.server = self.servers.enter_context(serving(*words, root=root, env=env, log=log))
            return ""
        finished = self.copy.run(*words)
        assert finished.returncode == 0, f"{line}\n{finished.stdout}{finished.stderr}"
        return finished.stdout + finished.stderr

    def ask(self, words: list[str]) -> str:
        """Do what curl would do, at the port where the server really is."""
        assert self.server is not None, "nothing serves yet"
        asked = CURL.parse_args(words)
        headers = dict(header.split(": ") for header in asked.headers)
        if asked.json:
            headers["Content-Type"] = "application/json"
        body = (asked.json or "&".join(asked.data)).encode() or None
        url = asked.url.replace(":8000/", f":{self.server.port}/")
        headers = {name: value.replace("TOKEN", self.token) for name, value in headers.items()}
        said = answer(urllib.request.Request(url, body, headers))  # noqa: S310 - http alone
        if said.startswith('{"access_token"'):
            self.token = json.loads(said)["access_token"]
        return said


CURL = argparse.ArgumentParser()
CURL.add_argument("url")
CURL.add_argument("-s", action="store_true")
CURL.add_argument("-H", dest="headers", action="append", default=[])
CURL.add_argument("-d", dest="data", action="append", default=[])
CURL.add_argument("--json", default="")


def answer(request: urllib.request.Request) -> str:
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE) as response:  # noqa: S310 - the same
            said: bytes = response.read()
    except urllib.error.HTTPError as error:
        with error:
            said = error.read()
    return said.decode()


def sides(hunk: str, left_out: str) -> str:
    """One side of a hunk: its lines without those that the other side alone has."""
    lines = [line for line in hunk.splitlines(keepends=True) if not line.startswith(left_out)]
    return "".join(line[1:] if line != "\n" else line for line in lines)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with fresh_checkout(tmp_path / "a project") as copy, ExitStack() as servers:
        yield Reader(copy, tmp_path, servers)


@pytest.mark.needs("users")
def test_the_tutorial_works_as_it_is_written(reader: Reader) -> None:
    for block in blocks():
        reader.follow(block)
    assert {"sh", "text", "diff", "python", "html"} <= set(reader.done)
    for words in (["check"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *words, "--no-cache", "apps", "tests"]
        subprocess.run(command, cwd=reader.copy.root, check=True)

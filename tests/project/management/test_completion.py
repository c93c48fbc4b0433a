"""Completion, asked by the shells themselves."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from project.errors import CommandError
from project.management.commands.completion import complete
from project.management.dispatcher import call_command
from project.settings import ROOT

BASH = """
source <(python manage.py completion bash)
COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_manage_py
printf '%s\\n' "${{COMPREPLY[@]}}"
"""

FISH = """
python manage.py completion fish | source
complete -C "{words}"
"""

# A terminal of its own, in which the words are typed and the tab is pressed.
ZSH = """
zmodload zsh/zpty
zpty -b shell "zsh -f -i"
zpty -w shell 'PS1=""; source <(python manage.py completion zsh); echo READY=$?'
zpty -r shell output '*READY=0*'
zpty -n -w shell $'{words}\\t\\n'
zpty -r shell output '*{expected}*'
print -r -- "$output"
zpty -d shell
"""


def run_shell(name: str, script: str, **values: str) -> str:
    if shutil.which(name) is None:
        pytest.skip(f"there is no {name}")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    finished = subprocess.run(
        [name, "-c", script.format(**values)],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return finished.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("python manage.py show", ["showmigrations"]),
        ("python manage.py migrate --pl", ["--plan"]),
        ("python manage.py db sta", ["start", "status"]),
        ("python other.py show", []),
    ],
)
def test_bash(words: str, expected: list[str]) -> None:
    assert run_shell("bash", BASH, words=words).split() == expected


def test_fish() -> None:
    found = run_shell("fish", FISH, words="python manage.py migrate --pl").split()
    assert found == ["--plan"]


def test_zsh() -> None:
    shown = run_shell("zsh", ZSH, words="python manage.py migrate --pl", expected="--plan")
    assert "--plan" in shown


@pytest.mark.needs("users")
def test_commands_of_apps_and_help() -> None:
    assert complete(["createsu"]) == ["createsuperuser"]
    assert {"help", "migrate"} <= set(complete([""]))
    assert complete(["help", "che"]) == ["check"]
    assert complete(["no-such-command", "--"]) == []


def test_options_of_every_command() -> None:
    assert complete(["check", "--tr"]) == ["--traceback"]


def test_nothing_of_the_project_is_imported() -> None:
    script = (
        "import sys; from project.management.dispatcher import main; "
        "main(['completion', '--', 'routes', '--']); "
        "print({'fastapi', 'sqlalchemy'} & set(sys.modules))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert finished.stdout.splitlines()[-1] == "set()"


@pytest.mark.parametrize("words", [(), ("tcsh",), ("bash", "zsh")])
def test_a_shell_that_is_not_known(words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match=r"bash, zsh or fish") as caught:
        call_command("completion", *words)
    assert caught.value.exit_code == 2

"""The command line: a dispatcher on the standard library and one file per command."""

from pathlib import Path

from project.management.bytecode import keep_bytecode

keep_bytecode(Path(__file__).resolve().parent.parent.parent)  # before the imports that it is for

from project.management.dispatcher import call_command, main  # noqa: E402

__all__ = ["call_command", "main"]

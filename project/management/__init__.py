"""The command line: a dispatcher on the standard library and one file per command."""

from project.management.dispatcher import call_command, main

__all__ = ["call_command", "main"]

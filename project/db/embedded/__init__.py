"""A real PostgreSQL 18 for development and tests, with nothing to install.

The binaries come from a wheel of the development group; the Python code in that wheel is not
used. The server starts once, stays running between commands (about 12 MB) and is ended by
`manage.py db stop`. It never runs where DATABASE_URL is set: the caller sees to that.

    binaries.py    finds the programs, and makes them run for root too
    address.py     where clients connect: a private socket folder (on Windows: loopback TCP)
    cluster.py     the data directory: made whole or not at all, its configuration and log
    locks.py       file locks, one of them held by the server itself for as long as it lives
    postmaster.py  the server process: launched, recognised, interrupted
    server.py      EmbeddedServer, which puts these together
"""

from __future__ import annotations

from project.db.embedded.errors import EmbeddedServerError
from project.db.embedded.server import EmbeddedServer, ServerStatus, ensure_running

__all__ = ["EmbeddedServer", "EmbeddedServerError", "ServerStatus", "ensure_running"]

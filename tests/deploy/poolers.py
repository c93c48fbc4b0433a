"""A real PgBouncer in transaction mode, which refuses root as PostgreSQL does."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL

from project.db.embedded.binaries import without_root
from tests.processes import DEADLINE, free_port, is_free, until

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
CONFIGURATION = """
[databases]
* = host={host} port={server} user={user}{password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
server_reset_query_always = 0
"""


@contextmanager
def pooling(url: URL) -> Iterator[URL]:
    """Start one before this database, with three connections; yield the way through it."""
    if PGBOUNCER is None:
        pytest.skip("needs pgbouncer; .ci/run installs it")
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        password = f" password={url.password}" if url.password else ""
        (folder / "pgbouncer.ini").write_text(
            CONFIGURATION.format(
                host=url.query.get("host") or url.host,
                server=url.query.get("port") or url.port or 5432,
                user=url.username or "postgres",
                password=password,
                port=port,
            )
        )
        with (folder / "log").open("wb") as output:
            process = subprocess.Popen(
                without_root([PGBOUNCER, str(folder / "pgbouncer.ini")]),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            until(lambda: not is_free(port) or process.poll() is not None, "PgBouncer")
            assert process.poll() is None, (folder / "log").read_text()
            yield url.difference_update_query(["host", "port"]).set(host="127.0.0.1", port=port)
        finally:
            process.terminate()
            process.wait(DEADLINE)

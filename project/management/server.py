"""Serves the application: one process, several workers, or one that reloads."""

import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import uvicorn

from project.collection import collect_as_usual
from project.errors import CommandError
from project.management.bounded_http import BoundedHttp
from project.management.draining_http import DrainingHttp
from project.management.lingering import LingeringServer
from project.management.reloading import PATIENCE, Context, Reloader
from project.management.supervising import Supervisor
from project.metrics.slots import shared_directory
from project.settings import ROOT, Settings

APPLICATION = "project.asgi:app"
KEEP_ALIVE = 75
# psycopg's async side cannot use the proactor loop, which is Windows' own choice.
LOOP = "asyncio:SelectorEventLoop" if sys.platform == "win32" else "auto"


def serve(listener: socket.socket, settings: Settings, *, workers: int) -> int:
    """Answer requests until SIGINT or SIGTERM; requests in flight finish first.

    Several workers are replaced one by one at SIGHUP, each when its successor serves.
    """
    listener.set_inheritable(True)
    with listener:
        return _run(_configure(settings, workers=workers), listener, settings)


def serve_and_reload(
    listener: socket.socket,
    settings: Settings,
    context: Context,
    *,
    once_started: Callable[[], None],
) -> int:
    """Do the same in a child process, which is started anew whenever the code changes.

    `once_started` is called when the child has been started, for what need not hold it up.
    """
    config = _configure(settings, workers=1, http=BoundedHttp)
    config.timeout_graceful_shutdown = min(PATIENCE, settings.server.shutdown_timeout)
    with listener:
        Reloader(context, config, listener).run(once_started=once_started)
    return 0


def _run(config: uvicorn.Config, listener: socket.socket, settings: Settings) -> int:
    server = LingeringServer(config, settings.shutdown_delay)
    if config.workers > 1:
        _rehearse()
        limit = settings.server.worker_max_requests
        supervisor = Supervisor(
            config, [listener], max_requests=limit, delay=settings.shutdown_delay
        )
        with shared_directory(settings.metrics.directory):
            supervisor.run()
        return 0 if supervisor.was_told else 1
    config.load()  # a broken app is an error of this command, told in one line
    collect_as_usual()
    _run_until_told(server, listener)
    return 0 if server.started else 1


def _rehearse() -> None:
    """Build the application once, in a process that ends, before workers are started.

    The supervisor would start broken workers again and again; and an application built in
    the supervisor itself would cost it a worker's memory for nothing.
    """
    build = [sys.executable, str(ROOT / "manage.py"), "routes"]
    finished = subprocess.run(build, capture_output=True, text=True, check=False)
    if finished.returncode:
        last = (finished.stderr or finished.stdout).strip().splitlines()[-1]
        raise CommandError(last.removeprefix("Error: "))


def _run_until_told(server: uvicorn.Server, listener: socket.socket) -> None:
    """Run until SIGINT or SIGTERM, and end as if nobody had to be told.

    uvicorn raises the signal again when it is done, which would end the process by it. And
    one that comes before uvicorn listens for signals must count, too.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    with suppress(KeyboardInterrupt, SystemExit):  # the latter has been logged
        server.run([listener])


def _configure(
    settings: Settings, *, workers: int, http: type[BoundedHttp] = DrainingHttp
) -> uvicorn.Config:
    return uvicorn.Config(
        APPLICATION,
        loop=LOOP,
        http=http,
        workers=workers,
        log_config=None,  # our own logging, our own access log
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=settings.server.shutdown_timeout,
        proxy_headers=True,
        forwarded_allow_ips=",".join(settings.web.trusted_proxies),
    )

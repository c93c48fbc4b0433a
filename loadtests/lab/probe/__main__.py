"""Serves until it is told to stop, or until whoever started it is gone.

    python -m laboratory_probe WORKERS

The first process watches its standard input, whose other end the laboratory holds: it closes when
the laboratory ends, however that comes about, on every system.
"""

import os
import signal
import sys
import threading
import time

from project.management import server
from project.management.environment import load_registry
from project.management.listening import bind
from project.settings import load_settings

from . import channel

PATIENCE = 10.0
"""Seconds to end in peace once the laboratory is gone."""


def main() -> int:
    threading.Thread(target=_end_with_the_laboratory, daemon=True).start()
    settings = load_settings(env_file=None)
    load_registry()
    listener = bind("127.0.0.1", 0)
    channel.tell_port(listener.getsockname()[1])
    server.APPLICATION = f"{__package__}.asgi:app"
    return server.serve(listener, settings, workers=int(sys.argv[1]))


def _end_with_the_laboratory() -> None:
    # Not by sys.stdin, whose lock would be held when the interpreter ends.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE)
    os._exit(1)


# The workers import this module, too, where they are started by spawning.
if __name__ == "__main__":
    sys.exit(main())

"""The application of this process, for servers: `uvicorn project.asgi:app`."""

import gc

from project.application import create_application
from project.collection import collect_as_usual, collect_rarely
from project.settings import load_settings

collect_rarely()
app = create_application(load_settings())

# What exists by now stays for good: no later garbage collection has to look through it again.
# Collecting first would find a thousand objects in two hundred thousand, for a tenth of a second.
gc.freeze()
collect_as_usual()

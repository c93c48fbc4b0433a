"""The application of this process, for servers: `uvicorn project.asgi:app`."""

import gc

from project.application import create_application
from project.settings import load_settings

app = create_application(load_settings())

# What exists by now stays for good: no later garbage collection has to look through it again.
# Collecting first would find a thousand objects in two hundred thousand, for a tenth of a second.
gc.freeze()

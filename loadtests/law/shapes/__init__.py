"""The shapes that are compared: the same three routes on the same tables.

    GET  /items/{id}      one row, for whoever is signed in
    GET  /items?limit=20  twenty rows
    POST /items           a new one

Each is one process with a pool of POOL_SIZE connections. `ours` has the reads twice: as
entities below /orm, and as rows.
"""

import os
import secrets

POOL_SIZE = 15
SECRET = os.environ.get("SECRET_KEY") or secrets.token_urlsafe(48)
ALGORITHM = "HS256"

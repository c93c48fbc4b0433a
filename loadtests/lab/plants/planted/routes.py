"""Routes that are slow on purpose, one reason each."""

import hashlib
import time

from sqlalchemy import text

from project.web.lanes import CPU
from project.web.route import Router, in_lane
from project.web.transaction import DbSession

router = Router(prefix="/planted", tags=["planted"])

WAIT = text("SELECT pg_sleep(0.02)")
COMPUTE = text("SELECT count(md5(n::text)) FROM generate_series(1, 30000) AS n")
COUNT = text("UPDATE planted_counter SET number = number + 1 WHERE id = 1")
HOLD = text("SELECT pg_sleep(0.01)")
ITERATIONS = 40_000


@router.get("/wait")
def wait(session: DbSession) -> str:
    """Hold a connection that does nothing: only more of them help."""
    session.execute(WAIT)
    return "done"


@router.get("/hash")
@in_lane(CPU)
def compute_hash() -> str:
    """Compute without the interpreter's lock, in a lane that is too small."""
    return hashlib.pbkdf2_hmac("sha256", b"word", b"salt", ITERATIONS).hex()


@router.get("/python")
def compute_in_python() -> str:
    """Compute with the interpreter's lock."""
    return str(sum(number * number for number in range(60_000)))


@router.get("/heavy")
def read_heavily(session: DbSession) -> str:
    """Let the database compute."""
    session.execute(COMPUTE)
    return "done"


@router.post("/row")
def count_in_one_row(session: DbSession) -> str:
    """Write the row that everybody writes, and keep it for a while."""
    session.execute(COUNT)
    session.execute(HOLD)
    return "done"


@router.get("/blocked")
async def block_the_loop() -> str:
    """Sleep where nobody may."""
    time.sleep(0.15)  # noqa: ASYNC251 - this is the plant
    return "done"

"""A session as FastAPI's documentation teaches it, with nothing before the pool: it locks up.

`THREADS` and `DATABASE_POOL_SIZE` in the environment say how much there is of either.
"""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Annotated

from anyio.to_thread import current_default_thread_limiter
from fastapi import Depends, FastAPI
from pydantic import BaseModel
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, sessionmaker

THREADS = int(os.environ.get("THREADS", "10"))
POOL_TIMEOUT = 2.0
"""SQLAlchemy's own is 30 s, which nobody wants to wait for."""

engine = create_engine(
    os.environ["DATABASE_URL"],
    pool_size=int(os.environ.get("DATABASE_POOL_SIZE", "4")),
    max_overflow=0,
    pool_timeout=POOL_TIMEOUT,
)
SessionLocal = sessionmaker(bind=engine)
WAIT = text("SELECT pg_sleep(0.02)")


class Answer(BaseModel):
    """What the route returns; that it is validated takes one more thread."""

    word: str


def get_db() -> Iterator[Session]:
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    current_default_thread_limiter().total_tokens = THREADS
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/planted/documented")
def read(db: Annotated[Session, Depends(get_db)]) -> Answer:
    db.execute(WAIT)
    return Answer(word="done")


@app.get("/health/live")
async def live() -> str:
    return "alive"

"""The log of security: who changed how somebody signs in, and what looked like an attack.

Lines carry ids and addresses, never a password, a code or a token.
"""

import uuid
from functools import partial

from loguru import logger
from sqlalchemy.orm import Session

from project.db.commit import on_commit
from project.web.client import NOBODY, Client


def log_event(
    event: str,
    sentence: str,
    *,
    user_id: int | None,
    session_id: uuid.UUID | None = None,
    client: Client = NOBODY,
    is_alarming: bool = False,
) -> None:
    """Write one line. `event` is for programs and does not change, the sentence is for people.

    `user_id` is None where nobody can be named.
    """
    logger.bind(
        logger="security",
        event=event,
        user_id=user_id,
        session_id=None if session_id is None else str(session_id),
        client=client.address,
    ).log("WARNING" if is_alarming else "INFO", sentence)


def log_when_saved(session: Session, event: str, sentence: str, *, user_id: int) -> None:
    """Write the line once the transaction is committed."""
    on_commit(session, partial(log_event, event, sentence, user_id=user_id))

"""What PostgreSQL's error codes mean for the client of an API."""

from typing import NamedTuple

from sqlalchemy.exc import DataError, DBAPIError, OperationalError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from project.errors import Conflict, DomainError, Invalid, Unavailable

CLASS_LENGTH = 2


class Duplicate(Conflict):
    code = "duplicate"
    title = "That already exists"


class StillReferenced(Conflict):
    code = "still_referenced"
    title = "Something refers to it, or it refers to something that is gone"


class ConstraintViolated(Invalid):
    code = "constraint_violated"
    title = "A value breaks a rule of the data"


class ConcurrentChange(Unavailable):
    code = "concurrent_change"
    title = "Somebody else changed the same data at the same moment; try again"


class DatabaseBusy(Unavailable):
    code = "database_busy"
    title = "The database took too long; try again"


class DatabaseUnavailable(Unavailable):
    code = "database_unavailable"
    title = "The database cannot be reached now; try again"


class DatabaseReadOnly(Unavailable):
    code = "database_read_only"
    title = "The database accepts no changes now; try again"


class DatabaseFull(Unavailable):
    code = "database_full"
    title = "The database has no room left"


# Whole codes first, then their two-letter classes. Source: PostgreSQL, appendix A.
# None: our own mistake, and none of the client's business.
MEANINGS: dict[str, type[DomainError] | None] = {
    "23505": Duplicate,
    "23503": StillReferenced,
    "23001": StillReferenced,
    "23P01": Conflict,
    "40001": ConcurrentChange,
    "40P01": ConcurrentChange,
    "55P03": DatabaseBusy,
    "57014": DatabaseBusy,
    "25P03": DatabaseBusy,
    "25006": DatabaseReadOnly,
    "53100": DatabaseFull,
    "22012": None,  # a division by zero
    "23502": None,  # a value that we forgot
    "22": ConstraintViolated,
    "23": ConstraintViolated,
    "08": DatabaseUnavailable,
    "53": DatabaseUnavailable,
    "57": DatabaseUnavailable,
    "58": DatabaseUnavailable,
}


class Diagnosis(NamedTuple):
    """A database error as the client hears it, and what only the log may say."""

    error: DomainError
    sqlstate: str | None


def diagnose(error: Exception) -> Diagnosis | None:
    """Translate a database error; None if it is a bug of ours rather than a fact of life."""
    if isinstance(error, PoolTimeoutError):
        return Diagnosis(DatabaseBusy(), None)
    if isinstance(error, PendingRollbackError) or not isinstance(error, DBAPIError):
        return None
    sqlstate: str | None = getattr(error.orig, "sqlstate", None)
    if sqlstate is None:
        return _diagnose_without_code(error)
    meaning = MEANINGS.get(sqlstate if sqlstate in MEANINGS else sqlstate[:CLASS_LENGTH])
    return Diagnosis(meaning(), sqlstate) if meaning else None


def _diagnose_without_code(error: DBAPIError) -> Diagnosis | None:
    # The server never answered: refused, timed out or cut off.
    if error.connection_invalidated or isinstance(error, OperationalError):
        return Diagnosis(DatabaseUnavailable(), None)
    if isinstance(error, DataError):
        return Diagnosis(ConstraintViolated(), None)  # psycopg itself refused, a NUL say
    return None

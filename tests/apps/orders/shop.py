"""An order that other processes can see, and who may follow it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import URL, Engine, create_engine, text
from sqlalchemy.orm import Session

from apps.orders.models import Order
from apps.orders.queries import get_order
from apps.orders.services import cancel_order
from apps.users.services import start_session
from apps.users.sign_in import issue_access_token
from project.runtime import Runtime
from tests.factories.base import bind_factories
from tests.factories.orders import OrderFactory
from tests.processes import fresh_database

CONNECTIONS = (
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def path_of(order: Order) -> str:
    return f"/api/v1/orders/{order.id}/events"


def cancel(session: Session, order: Order) -> None:
    cancel_order(session, order=get_order(session, order.id))
    session.commit()


class Shop(NamedTuple):
    """A database of its own with one order, and who may follow it."""

    url: URL
    engine: Engine
    path: str
    headers: dict[str, str]

    def count(self, query: str = CONNECTIONS) -> int:
        with self.engine.connect() as connection:
            return connection.scalar(text(query)) or 0

    def cancel(self) -> None:
        with Session(self.engine) as session:
            cancel(session, session.query(Order).one())


@contextmanager
def opened_shop(server: Engine, runtime: Runtime) -> Iterator[Shop]:
    """Make one on this server of databases; `runtime` signs the token."""
    with fresh_database(server, is_migrated=True) as url:
        engine = create_engine(url)
        with Session(engine, expire_on_commit=False) as session, bind_factories(session):
            order = OrderFactory()
            lifetime = timedelta(hours=1)
            grant = start_session(session, user_id=order.user_id, lifetime=lifetime)
            session.commit()
        headers = {"Authorization": f"Bearer {issue_access_token(runtime, grant)}"}
        yield Shop(url, engine, path_of(order), headers)
        engine.dispose()

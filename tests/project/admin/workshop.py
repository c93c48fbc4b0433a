"""A site over tables of the test's own, which are gone with its transaction."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import MetaData
from sqlalchemy.orm import Session

from project.admin.site import AdminSite
from project.admin.views import ModelAdmin
from project.apps import AppConfig
from project.runtime import Runtime

SHOP = AppConfig(label="shop", title="Shop")


@contextmanager
def workshop(
    runtime: Runtime, session: Session, metadata: MetaData, *views: type[ModelAdmin]
) -> Iterator[TestClient]:
    """Make the tables, in the test's own transaction, and serve an admin that has these views."""
    for table in metadata.sorted_tables:
        table.create(session.connection())
    session.commit()
    app = FastAPI()
    app.state.runtime = runtime
    site = AdminSite(app, runtime)
    for view in views:
        site.register(SHOP, view)
    site.seal()
    with TestClient(app, follow_redirects=False) as client:
        yield client

from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from project.admin.site import AdminSite
from project.i18n import Language
from tests.project.admin.languages.pseudo import Pseudo


@pytest.fixture
def site(application: FastAPI) -> AdminSite:
    from tests.project.admin.support import site_of  # noqa: PLC0415 - it is about users

    return site_of(application)


@pytest.fixture
def pseudo(site: AdminSite) -> Iterator[str]:
    """The made-up language, offered during the test."""
    site.languages["x-pseudo"] = Language("x-pseudo", Pseudo())
    yield "x-pseudo"
    del site.languages["x-pseudo"]

"""A real server on a free port, and a real browser in front of it."""

import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from sqlalchemy.orm import Session
from starlette.types import ASGIApp

from project.application import create_application
from project.settings import Settings
from tests.database import TestDatabase

Serve = Callable[[ASGIApp], str]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None and "CI" not in os.environ:
        pytest.skip("no Chromium here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser that has been nowhere yet, on a small telephone if the test asks for it."""
    with browser.new_context() as context:
        context.set_default_timeout(10_000)
        yield context


@pytest.fixture
def page(site: str, context: BrowserContext) -> Iterator[Page]:
    """A page that asks no other host and complains about nothing but refusals."""
    page = context.new_page()
    outside: list[str] = []
    complaints: list[str] = []
    own = (site, f"blob:{site}")
    page.on("request", lambda r: None if r.url.startswith(own) else outside.append(r.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))
    yield page
    assert outside == []
    assert [text for text in complaints if "Failed to load resource" not in text] == []


@pytest.fixture
def site(settings: Settings, database: TestDatabase, session: Session) -> Iterator[str]:
    """The address of the whole application, on the test's own database."""
    with serving(create_application(settings, database=database)) as address:
        yield address


@contextmanager
def serving(application: ASGIApp) -> Iterator[str]:
    """Serve an application from a thread and yield its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        ws="none",
        # A browser keeps connections in reserve. One that comes while the server ends would
        # keep it for ever.
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()

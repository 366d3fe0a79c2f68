"""A real browser: Debian's Chromium, driven without a screen, kept away from every other host."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LOCAL = frozenset({"127.0.0.1", "localhost"})


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the browser once for all tests that need it."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "no chromium on this machine: install Debian's package `chromium`"
    # Its client turns an event loop in this thread, which Django takes for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield started
        started.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Open an empty window of its own; what it asked of other hosts fails the test."""
    context = browser.new_context()
    context.set_default_timeout(10_000)
    strangers: list[str] = []

    def only_local(route: Route) -> None:
        if urlsplit(route.request.url).hostname in LOCAL:
            route.continue_()
        else:
            strangers.append(route.request.url)
            route.abort()

    context.route("http*://**/*", only_local)
    yield context.new_page()
    context.close()
    assert not strangers, f"the page asked other hosts: {strangers}"

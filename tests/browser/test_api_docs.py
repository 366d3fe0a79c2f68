"""The API's documentation in a browser, with nothing from elsewhere and nothing against the policy."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_documentation_shows_every_endpoint_and_breaks_no_policy(
    page: Page, live_server: LiveServer
) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))

    page.goto(f"{live_server.url}/api/v1/docs")

    expect(page.get_by_text("/api/v1/orders", exact=True)).to_be_visible()
    assert not [text for text in said if "Content Security Policy" in text]

"""The console's front door in a browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_it_asks_a_stranger_for_name_and_password(live_server: LiveServer, page: Page) -> None:
    page.goto(f"{live_server.url}/admin/")

    assert page.get_by_label("Username").is_visible()
    assert page.get_by_label("Password").is_visible()


def test_it_refuses_a_wrong_password(live_server: LiveServer, page: Page) -> None:
    page.goto(f"{live_server.url}/admin/")
    page.get_by_label("Username").fill("nobody")
    page.get_by_label("Password").fill("guessed")
    page.keyboard.press("Enter")

    expect(page.locator(".errornote")).to_be_visible()

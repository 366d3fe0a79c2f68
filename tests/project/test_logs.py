"""What the log never holds: requests, tokens of orders, local variables."""

from __future__ import annotations

import json
import logging
import logging.config
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import RequestFactory

from core.project import logs

pytestmark = pytest.mark.once

TOKEN = "Zk3_vQ-8xT1mB5nC7dF9gh"
PATH = f"/order/0193a5c2-7d1e-7b1a-9c3d-5e6f7a8b9c0d/{TOKEN}/pay/"


@pytest.fixture(params=logs.FORMATS)
def style(request: pytest.FixtureRequest) -> Iterator[str]:
    """Configure logging in each style, and afterwards as it was."""
    yield str(request.param)
    logging.config.dictConfig(settings.LOGGING)


def written(style: str, capsys: pytest.CaptureFixture[str], *, failing: bool = False) -> str:
    logging.config.dictConfig(logs.configure(style=style, level="INFO"))
    logger, request = logging.getLogger("django.request"), RequestFactory().get(PATH)
    extra = {"request": request, "status_code": 404}
    hidden = TOKEN.swapcase()
    try:
        int(f"x{len(hidden)}")
    except ValueError:
        logger.warning("Not Found: %s", PATH, extra=extra, exc_info=failing)
    return capsys.readouterr().err


def test_a_page_not_found_names_its_path_without_the_token_and_no_request(
    style: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = written(style, capsys)

    assert "/order/0193a5c2-7d1e-7b1a-9c3d-5e6f7a8b9c0d/" in line
    assert TOKEN not in line
    assert "WSGIRequest" not in line
    assert "404" in line


def test_a_traceback_shows_no_local_variables(
    style: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = written(style, capsys, failing=True)

    assert "ValueError" in lines
    assert TOKEN.swapcase() not in lines
    assert TOKEN not in lines


def test_json_stays_json(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        told = json.loads(written("json", capsys))
    finally:
        logging.config.dictConfig(settings.LOGGING)

    assert told["event"].endswith("/…/pay/")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"GET {PATH} 200", "GET /order/0193a5c2-7d1e-7b1a-9c3d-5e6f7a8b9c0d/…/pay/ 200"),
        (f"/api/v1/orders/1?token={TOKEN}&x=1", "/api/v1/orders/1?token=…&x=1"),
        ("/products/7/", "/products/7/"),
        ("/api/v1/orders/0193a5c27d1e7b1a9c3d5e6f7a8b9c0d/payments", None),
    ],
)
def test_it_masks_tokens_and_nothing_else(line: str, expected: str | None) -> None:
    assert logs.masked(line) == (expected or line)

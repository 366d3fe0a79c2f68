"""A shop with a few products, seen from the use cases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.context import DEFAULT_TENANT, TenantRef, acting_for
from tests.application.shelf import put
from tests.application.till import Tills
from tests.hooks.gallery import on_path


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def shop(transactional_db: None) -> Iterator[TenantRef]:
    """Work for the default tenant, in real transactions."""
    with acting_for(DEFAULT_TENANT) as ref:
        yield ref


@pytest.fixture
def shelf(shop: TenantRef, now: datetime) -> TenantRef:
    """Put tea (4.50, 10 of it), a pot (25.00, 5) and a draft on the shelf."""
    put("tea", 450, 10, now=now)
    put("pot", 2500, 5, now=now)
    put("draft", 100, 5, now=now, publish=False)
    return shop


@pytest.fixture
def tills(shop: TenantRef, tmp_path: Path) -> Iterator[Tills]:
    """Return an installation with a way to pay that has settings of its own."""
    folder = tmp_path / "site"
    folder.mkdir()
    with on_path(folder):
        yield Tills(folder)

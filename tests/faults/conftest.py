"""A nursery, the world outside, and a shop with more tea than any test sells."""

from __future__ import annotations

import os
import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from core.context import DEFAULT_TENANT, TenantRef, acting_for
from tests.application.shelf import put
from tests.faults.outside import Nursery, Outside
from tests.session import tier


@pytest.fixture(scope="session")
def _outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    with Outside.standing(tmp_path_factory.mktemp("outside")) as outside:
        yield outside


@pytest.fixture(scope="session")
def nursery(django_db_setup: None, django_db_blocker: Any, _outside: Outside) -> Iterator[Nursery]:
    nursery = Nursery(**_outside.environment)
    yield nursery
    nursery.end()


@pytest.fixture
def outside(_outside: Outside) -> Outside:
    _outside.begin()
    return _outside


@pytest.fixture
def shop(transactional_db: None) -> Iterator[TenantRef]:
    with acting_for(DEFAULT_TENANT) as ref:
        put("tea", 450, 1_000_000, now=datetime.now(UTC))
        yield ref


@pytest.fixture
def dice(request: pytest.FixtureRequest) -> random.Random:
    """Dice whose throws can be repeated; the line that does so is printed."""
    seed = os.environ.get("ORDERLOOM_SEED") or uuid.uuid4().hex[:8]
    print(f"replay: ORDERLOOM_SEED={seed} ORDERLOOM_TIER={tier()} pytest '{request.node.nodeid}'")
    return random.Random(seed)

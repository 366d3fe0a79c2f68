"""The contract suite over the warmer of products."""

from __future__ import annotations

import pytest

from core.testing.warmer_contract import WarmerContract
from hookspecs import CacheWarmer
from warm_catalogue.plugin import cache_warmers
from warm_catalogue.settings import Settings

pytestmark = pytest.mark.once


class TestProducts(WarmerContract):
    plugin = "warm-catalogue"

    @pytest.fixture
    def warmer(self) -> CacheWarmer:
        (only,) = cache_warmers(Settings())
        return only

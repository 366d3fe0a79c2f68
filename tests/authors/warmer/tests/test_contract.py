"""The contract suite over the warmer, and what it loads."""

from __future__ import annotations

import pytest
from warm_bargains.plugin import cache_warmers
from warm_bargains.settings import Settings

from core.testing.warmer_contract import WarmerContract
from hookspecs import CacheWarmer


class TestContract(WarmerContract):
    plugin = "warm-bargains"

    @pytest.fixture
    def warmer(self) -> CacheWarmer:
        (only,) = cache_warmers(Settings(size=2))
        return only

    def test_the_cheapest_come_first_and_nothing_that_is_sold_out(self) -> None:
        catalogue = self.catalogue(8)
        catalogue.take_away("p-00001")

        (bargains,) = self.load(["EUR"], catalogue).values()

        assert [one["sku"] for one in bargains] == ["p-00002", "p-00003"]

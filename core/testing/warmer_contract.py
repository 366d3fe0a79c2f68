"""The warmer contract suite: subclass `WarmerContract`, give it a warmer, pass."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from core.testing.catalogues import ShelfCatalogue, a_product
from core.testing.orders import TELLS, an_event
from core.testing.plugin_cases import at_once, not_applicable
from core.testing.purity import watching
from core.testing.warmer_adapter import WarmerAdapter
from hookspecs import CacheWarmer, Money, WarmerInfo

__all__ = ["WarmerContract"]

_METHODS = {"plan": 2, "load": 2}
_MANY = 5_000
_PAGES = 2_000
_BATCH = 30
_NOTHING = timedelta(0)


class WarmerContract(WarmerAdapter):
    """What every cache warmer has to do, whoever wrote it, with a core that is hostile.

    A subclass has a fixture ``warmer``. A case that doesn't concern it is skipped as "not
    applicable"::

        class TestMine(WarmerContract):
            plugin = "warm-mine"

            @pytest.fixture
            def warmer(self):
                (only,) = cache_warmers(Settings())
                return only
    """

    # What it is

    def test_it_is_a_warmer(self) -> None:
        assert isinstance(self.tested, CacheWarmer)
        for name, count in _METHODS.items():
            method = getattr(self.tested, name)
            assert not inspect.iscoroutinefunction(method), f"{name} is async"
            assert not inspect.isasyncgenfunction(method), f"{name} is async"
            inspect.signature(method).bind(*range(count))
        assert not inspect.isgeneratorfunction(self.tested.load), "load returns its answer"

    def test_info_is_the_same_at_every_look(self) -> None:
        before = self.tested.info
        list(self.use())

        assert isinstance(before, WarmerInfo)
        assert self.tested.info == before
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}", before.namespace)
        assert before.label
        assert before.ttl > _NOTHING
        assert before.stale_ttl >= _NOTHING
        assert before.budget > _NOTHING
        assert before.depends_on <= set(TELLS), f"no tells: {before.depends_on - set(TELLS)}"

    # Planning

    def test_a_round_names_keys_and_each_once(self) -> None:
        keys = self.plan(None, self.catalogue())

        assert keys, "a stocked catalogue has nothing to warm: override `catalogue`"
        assert len(keys) == len(set(keys))

    def test_a_round_is_planned_lazily(self) -> None:
        catalogue = self.catalogue(_MANY)

        first = next(iter(self.tested.plan(None, catalogue)), None)

        assert first is not None
        read = catalogue.skus_read + catalogue.products_read
        assert read <= _PAGES, f"{read} products of {_MANY} were read for the first key"

    def test_every_change_it_depends_on_can_be_planned(self) -> None:
        for tell in sorted(self.tested.info.depends_on):
            catalogue = self.catalogue()
            change = self.change(tell, catalogue)
            before = repr(change)

            keys = self.plan(change, catalogue)

            assert len(keys) == len(set(keys)), f"{tell} names a key twice"
            assert repr(change) == before

    def test_a_change_it_knows_nothing_of_is_no_fault(self) -> None:
        for tell in TELLS:
            self.plan(an_event(tell), self.catalogue())

    # Loading

    def test_what_is_planned_can_be_loaded_as_plain_data(self) -> None:
        catalogue = self.catalogue()
        keys = self.plan(None, catalogue)

        loaded = self.load(keys, catalogue)

        assert loaded, "nothing that was planned could be loaded"
        json.dumps(dict(loaded), allow_nan=False)

    def test_the_same_catalogue_gives_the_same_data(self) -> None:
        catalogue = self.catalogue()
        keys = self.plan(None, catalogue)
        first = dict(self.load(keys, catalogue))
        self.load(keys, self.catalogue(3))

        assert dict(self.load(keys, catalogue)) == first
        assert self.plan(None, catalogue) == keys

    def test_what_is_missing_is_no_fault(self) -> None:
        catalogue = self.catalogue()
        keys = self.plan(None, catalogue)

        assert dict(self.load([], catalogue)) == {}
        self.load(["no-such-key", "'; --", "ä" * 300, "", keys[0]], catalogue)

    def test_an_empty_catalogue_is_no_fault(self) -> None:
        keys = self.plan(None, self.catalogue())
        bare = ShelfCatalogue()

        self.plan(None, bare)
        self.load(keys, bare)

    def test_a_catalogue_may_change_under_way(self) -> None:
        for changing in (_vanishing, _growing):
            catalogue = self.catalogue()
            keys = self.plan(None, self.catalogue())
            catalogue.on_read = changing

            self.plan(None, catalogue)
            self.load(keys, catalogue)

    def test_only_the_catalogue_is_read(self) -> None:
        catalogue = self.catalogue()
        keys = self.plan(None, catalogue)
        self.load(keys, catalogue)

        with watching(clocks=False) as seen:
            self.tested.load(keys, catalogue)
            self.plan(None, catalogue)

        assert seen == []

    def test_many_keys_are_read_together(self) -> None:
        catalogue = self.catalogue()
        keys = self.plan(None, catalogue)[:_BATCH]
        if len(keys) < _BATCH:
            not_applicable(f"it has but {len(keys)} keys")
        catalogue.calls = 0

        self.load(keys, catalogue)

        assert catalogue.calls < len(keys) / 2, f"{catalogue.calls} reads for {len(keys)} keys"

    def test_one_tenants_data_never_shows_at_anothers(self) -> None:
        ours = self.catalogue().renamed("only-ours")
        theirs = self.catalogue().renamed("only-theirs")
        keys = self.plan(None, ours)

        self.load(keys, ours)
        loaded = self.load(self.plan(None, theirs), theirs)

        assert "only-ours" not in json.dumps(dict(loaded))

    def test_eight_at_once_load_the_same(self) -> None:
        catalogue = self.catalogue()
        keys = self.plan(None, catalogue)
        alone = dict(self.load(keys, catalogue))

        answers = at_once(8, lambda: dict(self.load(keys, self.catalogue())))

        assert answers == [alone] * 8

    @pytest.mark.parametrize("currency", ["JPY", "KWD"])
    def test_odd_products_are_no_fault(self, currency: str) -> None:
        catalogue = self.catalogue()
        for number, product in enumerate(list(catalogue.shelf.values())):
            price = Money((0, 1, 10**15)[number % 3], currency)
            odd = replace(product, price=price, available=0, name=_ODD, categories=frozenset())
            catalogue.put(odd, a_product(f"{_ODD}-{number}", currency=currency))

        self.load(self.plan(None, catalogue), catalogue)


_ODD = "Ä\u202e'; --\r\n<script>\N{PILE OF POO}"


def _vanishing(catalogue: ShelfCatalogue) -> None:
    """Somebody takes products off the shelf while a round is running."""
    catalogue.take_away(*sorted(catalogue.shelf)[::3])


def _growing(catalogue: ShelfCatalogue) -> None:
    """Somebody puts products before and behind those that are being read."""
    if catalogue.calls < _BATCH:
        catalogue.put(*(a_product(f"new-{catalogue.calls}-{number}") for number in range(3)))

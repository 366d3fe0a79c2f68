"""Warm caches: after a change, in rounds that go on where they were, and never in anybody's way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.application import read_cached as reading
from core.application.move_product import announce_products
from core.application.read_cached import read_cached
from core.application.read_catalogue import TenantCatalogue
from core.application.warm_caches import warm_caches
from core.context import TenantRef, acting_for
from core.domain.errors import NotFound, PluginFailedError
from core.hooks.registry import Registry
from core.models import Product, Stock, Tenant
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Catalogue, Event, ProductEvent, WarmerInfo
from tests.application.shelf import placed, put
from tests.application.telling import work_off


@dataclass
class Names:
    """Warms the names of products, or whatever keys it is given."""

    namespace: str = "names"
    every: Sequence[str] = ()
    broken: bool = False
    loaded: list[str] = field(default_factory=list)
    depends_on: frozenset[str] = frozenset({"product_changed", "order_placed"})

    @property
    def info(self) -> WarmerInfo:
        return WarmerInfo(
            namespace=self.namespace,
            label="Names",
            depends_on=self.depends_on,
            ttl=timedelta(hours=1),
        )

    def plan(self, change: Event | None, catalogue: Catalogue, /) -> Iterable[str]:
        if change is None:
            return self.every or catalogue.skus()
        return change.skus if isinstance(change, ProductEvent) else catalogue.skus()

    def load(self, keys: Sequence[str], catalogue: Catalogue, /) -> Mapping[str, Any]:
        if self.broken:
            raise OSError("the warmer is broken")
        self.loaded += keys
        if self.every:
            return {key: key.upper() for key in keys}
        return {one.sku: one.name for one in catalogue.products(keys)}

    def plugin(self) -> FakePlugin:
        return FakePlugin(name=f"warm-{self.namespace}", warmers=(self,))


def test_the_catalogue_reads_what_is_published_and_then_its_prices(shelf: TenantRef) -> None:
    catalogue = TenantCatalogue()

    with CaptureQueriesContext(connection) as asked:
        skus, after = catalogue.skus(), catalogue.skus(after="pot", limit=5)
        products = catalogue.products(["tea", "draft", "gone", "pot"])

    assert catalogue.tenant == "default"
    assert (list(skus), list(after)) == (["pot", "tea"], ["tea"])
    assert [(one.sku, one.available, one.price.minor) for one in products] == [
        ("pot", 5, 2500),
        ("tea", 10, 450),
    ]
    assert len(asked) == 4


def test_reading_loads_what_is_missing_and_remembers_it(shelf: TenantRef) -> None:
    warmer = Names()
    plugins = registry_of(warmer.plugin())

    first = read_cached("names", ["tea", "gone"], plugins=plugins)
    again = read_cached("names", ["tea"], plugins=plugins)

    assert first == again == {"tea": "The tea"}
    assert warmer.loaded == ["tea", "gone"]


def test_the_core_loads_its_own_products_with_no_plugin_at_all(shelf: TenantRef) -> None:
    found = read_cached("product", ["tea", "draft"], plugins=registry_of())

    assert found == {
        "tea": {
            "sku": "tea",
            "name": "The tea",
            "price_minor": 450,
            "currency": "EUR",
            "available": 10,
            "tax_class": "",
            "categories": [],
            "attributes": {},
            "description": "",
            "picture": "",
            "family": "",
            "variant": "",
            "tiers": {},
        }
    }
    assert "product" in reading.OWN


def test_a_warmer_of_the_core_s_own_namespace_only_plans(shelf: TenantRef) -> None:
    warmer = Names(namespace="product")
    plugins = registry_of(warmer.plugin())

    (round_,) = warm_caches(plugins=plugins)

    assert round_.loaded == 2
    assert warmer.loaded == []
    assert read_cached("product", ["tea"], plugins=plugins)["tea"]["price_minor"] == 450


def test_a_namespace_that_nobody_brings_is_refused(shelf: TenantRef) -> None:
    with pytest.raises(NotFound, match="names"):
        read_cached("names", ["tea"], plugins=registry_of())
    with pytest.raises(NotFound, match="names"):
        warm_caches(plugins=registry_of(), namespaces=["names"])


def test_a_change_is_seen_after_the_relay_has_told_of_it(shelf: TenantRef, now: datetime) -> None:
    warmer = Names()
    plugins = registry_of(warmer.plugin())
    work_off(plugins)
    read_cached("names", ["tea"], plugins=plugins)
    before = read_cached("product", ["tea"], plugins=plugins)
    Product.objects.filter(sku="tea").update(name="Better tea", price_minor=500)
    changed(now, "tea")

    work_off(plugins)

    assert before["tea"]["price_minor"] == 450
    assert read_cached("names", ["tea"], plugins=plugins) == {"tea": "Better tea"}
    assert read_cached("product", ["tea"], plugins=plugins)["tea"]["price_minor"] == 500


def test_an_order_changes_what_is_available(shelf: TenantRef, now: datetime) -> None:
    plugins = registry_of(Names(namespace="product").plugin())
    work_off(plugins)
    read_cached("product", ["tea"], plugins=plugins)

    placed(("tea", 4), plugins=plugins, now=now)
    work_off(plugins)

    assert Stock.objects.get(product__sku="tea").reserved == 4
    assert read_cached("product", ["tea"], plugins=plugins)["tea"]["available"] == 6


def test_a_warmer_that_fails_leaves_nothing_out_of_date(shelf: TenantRef, now: datetime) -> None:
    warmer = Names()
    plugins = registry_of(warmer.plugin())
    work_off(plugins)
    read_cached("names", ["tea"], plugins=plugins)
    Product.objects.filter(sku="tea").update(name="Better tea")
    warmer.broken = True
    changed(now, "tea")

    count = work_off(plugins)
    warmer.broken = False

    assert count.dead == count.put_off == 0
    assert read_cached("names", ["tea"], plugins=plugins) == {"tea": "Better tea"}


def test_a_reader_hears_of_a_broken_loader(shelf: TenantRef) -> None:
    plugins = registry_of(Names(broken=True).plugin())

    with pytest.raises(PluginFailedError, match="the warmer is broken"):
        read_cached("names", ["tea"], plugins=plugins)


def changed(now: datetime, *skus: str) -> None:
    announce_products(list(skus), now=now)


# Rounds

KEYS = tuple(f"key-{number:04}" for number in range(1000))


def test_a_round_loads_everything_and_says_how_far_it_is(shop: TenantRef) -> None:
    warmer, seen = Names(every=KEYS), []

    (round_,) = warm_caches(
        plugins=registry_of(warmer.plugin()), progress=lambda *said: seen.append(said)
    )

    assert (round_.began, round_.planned, round_.loaded, round_.complete) == (0, 1000, 1000, True)
    assert seen == [("names", at) for at in (200, 400, 600, 800, 1000)]
    assert warmer.loaded == list(KEYS)


def test_a_round_that_was_killed_goes_on_where_it_was(shop: TenantRef) -> None:
    warmer = Names(every=KEYS)
    plugins = registry_of(warmer.plugin())

    def killed(_: str, position: int) -> None:
        if position == 600:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        warm_caches(plugins=plugins, progress=killed)
    (round_,) = warm_caches(plugins=plugins)

    assert (round_.began, round_.planned, round_.complete) == (600, 400, True)
    assert warmer.loaded == list(KEYS)


def test_a_round_without_time_stops_and_one_told_to_begins_afresh(shop: TenantRef) -> None:
    warmer = Names(every=KEYS)
    plugins = registry_of(warmer.plugin())

    (stopped,) = warm_caches(plugins=plugins, budget=0)
    (afresh,) = warm_caches(plugins=plugins, afresh=True)

    assert (stopped.planned, stopped.complete, stopped.cause) == (0, False, "")
    assert (afresh.began, afresh.loaded) == (0, 1000)


def test_a_warmer_that_fails_is_reported_and_the_next_one_runs(shop: TenantRef) -> None:
    broken, well = Names(namespace="a", every=KEYS, broken=True), Names(namespace="b", every=KEYS)

    first, second = warm_caches(plugins=registry_of(broken.plugin(), well.plugin()))

    assert "the warmer is broken" in first.cause
    assert not first.complete
    assert (second.cause, second.complete) == ("", True)


def test_tenants_don_t_see_each_other_s_caches(shelf: TenantRef, now: datetime) -> None:
    plugins: Registry = registry_of(Names().plugin())
    read_cached("names", ["tea"], plugins=plugins)
    Tenant.objects.create(id=2, slug="other")

    with acting_for(TenantRef(id=2, slug="other")):
        before = read_cached("names", ["tea"], plugins=plugins)
        put("cup", 100, 1, now=now)
        after = read_cached("names", ["tea", "cup"], plugins=plugins)

    assert before == {}
    assert after == {"cup": "The cup"}

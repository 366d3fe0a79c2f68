"""Sound warmers and copies with a fault each; run by test_planted_faults as a program."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.testing.warmer_contract import WarmerContract
from hookspecs import Catalogue, Event, ProductEvent, WarmerInfo


def every_sku(catalogue: Catalogue) -> Iterator[str]:
    after = ""
    while page := catalogue.skus(after=after, limit=100):
        yield from page
        after = page[-1]


class Names:
    """Sound: one key per product, its name."""

    info = WarmerInfo(
        namespace="names",
        label="Names",
        depends_on=frozenset({"product_changed"}),
        ttl=timedelta(minutes=1),
    )

    def plan(self, change: Event | None, catalogue: Catalogue, /) -> Iterable[str]:
        if change is None:
            return every_sku(catalogue)
        return change.skus if isinstance(change, ProductEvent) else ()

    def load(self, keys: Sequence[str], catalogue: Catalogue, /) -> Mapping[str, Any]:
        return {product.sku: product.name for product in catalogue.products(keys)}


class Cheapest(Names):
    """Sound: one key, a list over the whole catalogue."""

    def plan(self, change: Event | None, catalogue: Catalogue, /) -> Iterable[str]:
        return ["cheapest"]

    def load(self, keys: Sequence[str], catalogue: Catalogue, /) -> Mapping[str, Any]:
        found = catalogue.products(every_sku(catalogue))
        best = heapq.nsmallest(3, found, key=lambda one: (one.price.minor, one.sku))
        return {key: [one.name for one in best] for key in keys if key == "cheapest"}


class Sound(WarmerContract):
    """The suite over a warmer; `kind` is the one that is tried."""

    kind: type[Names] = Names

    @pytest.fixture
    def warmer(self) -> Names:
        return self.kind()


class TestSoundNames(Sound):
    """The control: without a fault, everything passes."""


class TestSoundCheapest(Sound):
    kind = Cheapest


class PlansEagerly(Names):
    def plan(self, change: Event | None, catalogue: Catalogue, /) -> Iterable[str]:
        return list(super().plan(change, catalogue))


class RaisesOnMissing(Names):
    def load(self, keys: Sequence[str], catalogue: Catalogue, /) -> Mapping[str, Any]:
        found = {product.sku: product for product in catalogue.products(keys)}
        return {key: found[key].name for key in keys}


class KeepsProducts(Names):
    def load(self, keys: Sequence[str], catalogue: Catalogue, /) -> Mapping[str, Any]:
        return {product.sku: product for product in catalogue.products(keys)}


class OneByOne(Names):
    def load(self, keys: Sequence[str], catalogue: Catalogue, /) -> Mapping[str, Any]:
        return {one.sku: one.name for key in keys for one in catalogue.products([key])}


class ReadsFile(Names):
    def load(self, keys: Sequence[str], catalogue: Catalogue, /) -> Mapping[str, Any]:
        Path(__file__).read_bytes()
        return super().load(keys, catalogue)


class KeepsForAll(Names):
    """What it has loaded once it gives to every tenant."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def load(self, keys: Sequence[str], catalogue: Catalogue, /) -> Mapping[str, Any]:
        missing = [key for key in keys if key not in self.kept]
        self.kept |= super().load(missing, catalogue)
        return {key: self.kept[key] for key in keys if key in self.kept}


class TrustsTheShelf(Names):
    """What was planned a moment ago must still be there."""

    def plan(self, change: Event | None, catalogue: Catalogue, /) -> Iterable[str]:
        for sku in super().plan(change, catalogue):
            if change is None:
                (product,) = catalogue.products([sku])
                yield product.sku
            else:
                yield sku


class KeysOfItsOwn(Names):
    def load(self, keys: Sequence[str], catalogue: Catalogue, /) -> Mapping[str, Any]:
        return {f"name-{key}": name for key, name in super().load(keys, catalogue).items()}


class FailsOnEmpty(Cheapest):
    def load(self, keys: Sequence[str], catalogue: Catalogue, /) -> Mapping[str, Any]:
        best = min(catalogue.products(every_sku(catalogue)), key=lambda one: one.price.minor)
        return {key: best.name for key in keys if key == "cheapest"}


class PlansNumbers(Names):
    def plan(self, change: Event | None, catalogue: Catalogue, /) -> Any:
        return [int(sku.rpartition("-")[2] or 0) for sku in super().plan(change, catalogue)]


class PlansForEver(Names):
    def plan(self, change: Event | None, catalogue: Catalogue, /) -> Any:
        return (f"key-{number}" for number in itertools.count())


class NamesTwice(Names):
    def plan(self, change: Event | None, catalogue: Catalogue, /) -> Any:
        for sku in super().plan(change, catalogue):
            yield sku
            yield sku


class KnowsOneEvent(Names):
    def plan(self, change: Event | None, catalogue: Catalogue, /) -> Any:
        return super().plan(change, catalogue) if change is None else change.skus  # type: ignore[attr-defined]


class NoSuchTell(Names):
    info = WarmerInfo(
        namespace="names",
        label="Names",
        depends_on=frozenset({"product_renamed"}),
        ttl=timedelta(0),
    )


class TestPlansEagerly(Sound):
    kind = PlansEagerly


class TestRaisesOnMissing(Sound):
    kind = RaisesOnMissing


class TestKeepsProducts(Sound):
    kind = KeepsProducts


class TestOneByOne(Sound):
    kind = OneByOne


class TestWarmerReadsFile(Sound):
    kind = ReadsFile


class TestKeepsForAll(Sound):
    kind = KeepsForAll


class TestTrustsTheShelf(Sound):
    kind = TrustsTheShelf


class TestKeysOfItsOwn(Sound):
    kind = KeysOfItsOwn


class TestFailsOnEmpty(Sound):
    kind = FailsOnEmpty


class TestPlansNumbers(Sound):
    kind = PlansNumbers


class TestPlansForEver(Sound):
    kind = PlansForEver


class TestNamesTwice(Sound):
    kind = NamesTwice


class TestKnowsOneEvent(Sound):
    kind = KnowsOneEvent


class TestNoSuchTell(Sound):
    kind = NoSuchTell

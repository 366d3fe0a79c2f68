"""What the warmer contract suite is told about a warmer, and how it plans and loads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar, Final

import pytest

from core.hooks.answers import plain_data
from core.testing.catalogues import ShelfCatalogue, stocked
from core.testing.orders import an_event
from core.testing.plugin_cases import PluginCases
from hookspecs import CacheWarmer, Catalogue, Event

__all__ = ["WarmerAdapter"]

_MOST_KEYS: Final = 20_000


class WarmerAdapter(PluginCases):
    """What a test class says of its warmer: a fixture ``warmer``, and a catalogue if it needs one.

    ``currency`` is one that the warmer's lists know.
    """

    contract: ClassVar[str] = "warmer"
    currency: ClassVar[str] = "EUR"
    tested: Any

    @pytest.fixture(autouse=True)
    def _take_warmer(self, warmer: CacheWarmer) -> None:
        self.tested = warmer

    # To be overridden

    def catalogue(self, count: int = 40) -> ShelfCatalogue:
        """Return a catalogue of about so many products, for which there is something to warm."""
        return stocked(count, currency=self.currency)

    # How cases ask

    def use(self) -> Iterable[Any]:
        """Plan and load everything, and what isn't there."""
        catalogue = self.catalogue()
        keys = self.plan(None, catalogue)
        return [keys, self.load(keys, catalogue), self.load(["no-such-key"], catalogue)]

    def plan(self, change: Event | None, catalogue: Catalogue) -> list[str]:
        """Return every key that the warmer names; fails if there is no end to them."""
        keys = list(islice(iter(self.tested.plan(change, catalogue)), _MOST_KEYS))
        if len(keys) == _MOST_KEYS:
            pytest.fail("the plan has no end")
        strange = [key for key in keys if type(key) is not str or not key][:3]
        assert not strange, "keys are texts"
        return keys

    def load(self, keys: Sequence[str], catalogue: Catalogue) -> Mapping[str, Any]:
        """Load keys as the core does, and hold the answer against the page."""
        loaded: Mapping[str, Any] = plain_data(self.tested.load(keys, catalogue))
        strangers = set(loaded) - set(keys)
        assert not strangers, f"nobody asked for {sorted(strangers)[:3]}"
        return loaded

    def change(self, tell: str, catalogue: ShelfCatalogue) -> Event:
        """Return an event of this tell about some products of a catalogue, and one that is gone."""
        return an_event(tell, *sorted(catalogue.shelf)[:3], "gone", tenant=catalogue.tenant)

"""Read what a namespace of the cache holds, loading what is missing: the core's own, or a plugin's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from core.application.read_catalogue import TenantCatalogue, plain_product
from core.context import tenant
from core.domain.errors import NotFound
from core.hooks.offered import OfferedWarmer
from core.hooks.registry import Registry
from core.infrastructure import cache

__all__ = ["OWN", "Namespace", "namespace_of", "read_cached"]

OWN: Final = frozenset({"product"})
"""Namespaces that the core loads itself: for these a warmer only plans."""

_TTL: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """One namespace: who loads it, and for how long it keeps; `warmer` may be absent for our own."""

    name: str
    load: cache.Load
    ttl: timedelta
    stale_ttl: timedelta
    warmer: OfferedWarmer | None


def read_cached(namespace: str, keys: Sequence[str], *, plugins: Registry) -> Mapping[str, Any]:
    """Return plain data for these keys, for the tenant at hand; what there isn't is left out.

    Raises:
        NotFound: there is no such namespace.
        PluginFailedError: the plugin that loads it failed, and no old copy is kept.

    """
    found = namespace_of(namespace, plugins)
    return cache.read_through(
        namespace,
        keys,
        found.load,
        ttl=found.ttl,
        stale_ttl=found.stale_ttl,
        tenant=tenant().slug,
    )


def namespace_of(namespace: str, plugins: Registry) -> Namespace:
    """Return how a namespace is loaded.

    Raises:
        NotFound: it is neither the core's nor an enabled plugin's.

    """
    warmer = plugins.warmers.get(namespace)
    if namespace not in OWN and warmer is None:
        raise NotFound(f"There is no cache {namespace}.", namespace=namespace)
    return Namespace(
        name=namespace,
        load=_load_products if namespace in OWN else _loading(warmer),
        ttl=warmer.info.ttl if warmer else _TTL,
        stale_ttl=warmer.info.stale_ttl if warmer else timedelta(0),
        warmer=warmer,
    )


def _load_products(keys: Sequence[str]) -> Mapping[str, Any]:
    return {one.sku: plain_product(one) for one in TenantCatalogue().products(keys)}


def _loading(warmer: OfferedWarmer | None) -> cache.Load:
    assert warmer is not None
    return lambda keys: warmer.load(keys, TenantCatalogue())

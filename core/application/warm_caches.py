"""Keep caches warm: after a change, and in rounds over everything that stop in time and go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import structlog

from core.application.read_cached import OWN, Namespace, namespace_of
from core.application.read_catalogue import TenantCatalogue
from core.context import tenant
from core.domain.errors import NotFound, PluginFailedError
from core.hooks.registry import Registry
from core.infrastructure import cache
from hookspecs import Event, ProductEvent

__all__ = ["Warmed", "warm_after", "warm_caches"]

log = structlog.get_logger(__name__)

_CHUNK: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Warmed:
    """What a round did to one namespace; `began` is the position at which it went on.

    `planned` counts the keys of this round, `loaded` those that there were; `complete` says that
    the end was reached, `cause` why it failed, if it did.
    """

    namespace: str
    label: str
    began: int
    planned: int
    loaded: int
    complete: bool
    seconds: float
    cause: str = ""


def warm_caches(
    *,
    plugins: Registry,
    namespaces: Iterable[str] = (),
    budget: float | None = None,
    afresh: bool = False,
    progress: Callable[[str, int], None] = lambda _name, _position: None,
) -> list[Warmed]:
    """Load everything that the warmers plan, for the tenant at hand; without names, of all of them.

    `budget` bounds each namespace, in seconds, in place of what its warmer says. A round that runs
    out of it, or is killed, goes on the next time where it was, unless told to begin `afresh`. A
    warmer that fails is reported, and the next one runs.

    Raises:
        NotFound: no plugin warms one of these namespaces.

    """
    names = sorted(set(namespaces) or plugins.warmers)
    for name in names:
        if name not in plugins.warmers:
            raise NotFound(f"No plugin warms {name}.", namespace=name)
    return [
        _warm(
            namespace_of(name, plugins),
            seconds=budget if budget is not None else _seconds(name, plugins),
            start=0 if afresh else cache.position(name, tenant=tenant().slug),
            progress=progress,
        )
        for name in names
    ]


def warm_after(event: Event, *, namespace: str, plugins: Registry) -> None:
    """Put what a change touches out of date, and load it again.

    What fails is logged: readers miss and load for themselves.
    """
    owner = tenant().slug
    try:
        found = namespace_of(namespace, plugins)
    except NotFound:
        return
    try:
        keys = list(_touched(found, event))
        cache.bump(namespace, tenant=owner, keys=keys)
        for chunk in _chunks(keys):
            _refresh(found, chunk)
    except PluginFailedError as error:
        log.warning("cache.warming.failed", namespace=namespace, cause=error.text)
        cache.bump(namespace, tenant=owner)


def _touched(found: Namespace, event: Event) -> Iterable[str]:
    if found.warmer is not None:
        return found.warmer.plan(event, TenantCatalogue())
    return event.skus if isinstance(event, ProductEvent) and found.name in OWN else ()


def _warm(
    found: Namespace, *, seconds: float, start: int, progress: Callable[[str, int], None]
) -> Warmed:
    assert found.warmer is not None
    owner, began = tenant().slug, time.monotonic()
    position, loaded, complete, cause = start, 0, False, ""
    try:
        keys = iter(found.warmer.plan(None, TenantCatalogue()))
        for _ in islice(keys, start):
            pass
        while time.monotonic() - began < seconds:
            chunk = list(islice(keys, _CHUNK))
            if not chunk:
                complete = True
                break
            loaded += _refresh(found, chunk)
            position += len(chunk)
            cache.remember_position(found.name, position, tenant=owner)
            progress(found.name, position)
    except PluginFailedError as error:
        log.warning("cache.warming.failed", namespace=found.name, cause=error.text)
        cause = error.text
    if complete or cause:
        cache.remember_position(found.name, 0, tenant=owner)
    return Warmed(
        namespace=found.name,
        label=found.warmer.info.label,
        began=start,
        planned=position - start,
        loaded=loaded,
        complete=complete,
        seconds=time.monotonic() - began,
        cause=cause,
    )


def _refresh(found: Namespace, keys: Sequence[str]) -> int:
    return cache.refresh(
        found.name,
        keys,
        found.load,
        ttl=found.ttl,
        stale_ttl=found.stale_ttl,
        tenant=tenant().slug,
    )


def _chunks(keys: Sequence[str]) -> Iterable[Sequence[str]]:
    return (keys[at : at + _CHUNK] for at in range(0, len(keys), _CHUNK))


def _seconds(name: str, plugins: Registry) -> float:
    return plugins.warmers[name].info.budget.total_seconds()

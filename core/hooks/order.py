"""The settled order of plugins: by name, then as their `after` and `before` ask."""

from __future__ import annotations

from collections.abc import Mapping

from core.hooks.manifest import Manifest

__all__ = ["settled_order"]


def settled_order(
    manifests: Mapping[str, Manifest | None],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names in order, and the names that stand in a circle and have no order.

    Names that aren't there are ignored: a plugin may stand after one that isn't installed.
    """
    waits: dict[str, set[str]] = {name: set() for name in manifests}
    for name, manifest in manifests.items():
        if manifest is None:
            continue
        waits[name].update(other for other in manifest.after if other in waits)
        for other in manifest.before:
            if other in waits:
                waits[other].add(name)
    order: list[str] = []
    while ready := sorted(name for name in waits if not waits[name]):
        first = ready[0]
        order.append(first)
        del waits[first]
        for others in waits.values():
            others.discard(first)
    circle = tuple(sorted(name for name in waits if _comes_back(name, waits)))
    return (*order, *sorted(set(waits) - set(circle))), circle


def _comes_back(name: str, waits: Mapping[str, set[str]]) -> bool:
    seen: set[str] = set()
    ahead = list(waits[name])
    while ahead:
        other = ahead.pop()
        if other == name:
            return True
        if other not in seen:
            seen.add(other)
            ahead.extend(waits.get(other, ()))
    return False

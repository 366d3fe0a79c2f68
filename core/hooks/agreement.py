"""Whether the version of the contract goes with what has changed in it."""

from __future__ import annotations

from core.hooks.changes import changes
from core.hooks.promises import Page

__all__ = ["disagreement"]


def disagreement(before: Page, after: Page) -> str:
    """Return why a version doesn't go with what has changed, or '' where it does.

    A draft may change as it likes. Frozen, growth takes a higher minor version, a break a higher
    major one, and no change takes none.
    """
    if not before.frozen:
        return ""
    old, new = _numbers(before.version), _numbers(after.version)
    found = changes(before, after)
    breaking = [change for change in found if change.breaks]
    if breaking and new[0] <= old[0]:
        first = breaking[0]
        return (
            f"{len(breaking)} breaking, first {first.name}: {first.what}; "
            f"{after.version} is no higher major version than {before.version}"
        )
    if found and new <= old:
        return f"it has grown, and {after.version} is no higher version than {before.version}"
    if not found and new != old:
        return f"nothing has changed, and {after.version} is not {before.version}"
    return ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in (version or "0").split("."))

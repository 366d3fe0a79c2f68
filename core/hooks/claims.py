"""Who has which code: two plugins can't offer the same."""

from __future__ import annotations

from collections.abc import Iterable

from core.hooks.offers import Offer
from hookspecs import Group, Mode

__all__ = ["Claims"]


class Claims:
    """Who has which code: the second in the settled order is refused, naming the first."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], str] = {}
        self._groups: dict[str, tuple[Group, str]] = {
            "": (Group(name="", mode=Mode.STACK), "the core")
        }

    def refuse(self, plugin: str, offers: Iterable[Offer]) -> str:
        """Return why a plugin's offers don't go with those before, or claim them and say ''."""
        offers = tuple(offers)
        groups = dict(self._groups)
        for offer in offers:
            owner = self._codes.get((offer.hook, offer.code))
            if owner is not None:
                return f"{offer.hook}: {offer.code!r} is already offered by {owner}"
            group = getattr(offer.info, "group", None)
            if group is not None:
                first, by = groups.setdefault(group.name, (group, plugin))
                if first != group:
                    return f"group {group.name!r} is {_said(group)} here, {_said(first)} in {by}"
        self._codes.update(((offer.hook, offer.code), plugin) for offer in offers)
        self._groups = groups
        return ""


def _said(group: Group) -> str:
    return f"{group.mode} with order {group.order}"

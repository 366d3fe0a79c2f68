"""The basket of a visitor, kept in the session until it becomes an order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.contrib.sessions.backends.base import SessionBase

from hookspecs import Basket, BasketLine

__all__ = [
    "LARGEST",
    "add",
    "count",
    "holds",
    "kept",
    "read_quantity",
    "set_coupon",
    "set_line",
    "take_out",
]

LARGEST: Final = 999
_KEY: Final = "storefront.basket"


def kept(session: SessionBase) -> Basket:
    """Return what the visitor has chosen so far, in the order of choosing."""
    said = _read(session)
    lines = (BasketLine(sku=sku, quantity=quantity) for sku, quantity in said["lines"].items())
    return Basket(lines=tuple(lines), coupons=frozenset(said["coupons"]))


def count(session: SessionBase) -> int:
    """Return how many pieces lie in the basket."""
    return sum(_read(session)["lines"].values())


def read_quantity(text: str) -> int:
    """Read a quantity as a person types it, at most `LARGEST`.

    Raises:
        ValueError: not a whole number, or below 0.

    """
    quantity = int(text.strip())
    if quantity < 0:
        raise ValueError("a quantity is at least 0")
    return min(LARGEST, quantity)


def holds(session: SessionBase, sku: str) -> bool:
    """Say whether some of a product lies in the basket."""
    return sku in _read(session)["lines"]


def add(session: SessionBase, sku: str, quantity: int) -> None:
    """Put `quantity` more of a product into the basket."""
    held = _read(session)["lines"].get(sku, 0)
    set_line(session, sku, held + quantity)


def set_line(session: SessionBase, sku: str, quantity: int) -> None:
    """Make the basket hold `quantity` of a product; none of it takes it out."""
    said = _read(session)
    said["lines"][sku] = min(LARGEST, quantity)
    if quantity < 1:
        del said["lines"][sku]
    session[_KEY] = said


def set_coupon(session: SessionBase, code: str, *, wanted: bool) -> None:
    """Note a coupon, or forget it."""
    said = _read(session)
    said["coupons"] = [known for known in said["coupons"] if known != code]
    said["coupons"] += [code] if wanted else []
    session[_KEY] = said


def take_out(session: SessionBase, lines: Iterable[BasketLine]) -> None:
    """Take out what has become an order, and leave what was added meanwhile."""
    for line in lines:
        held = _read(session)["lines"].get(line.sku, 0)
        if held:
            set_line(session, line.sku, held - line.quantity)
    session[_KEY] = _read(session) | {"coupons": []}


def _read(session: SessionBase) -> dict[str, Any]:
    said = session.get(_KEY) or {}
    return {"lines": dict(said.get("lines", {})), "coupons": list(said.get("coupons", []))}

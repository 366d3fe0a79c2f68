"""What a product has to have to be sold, and what tells the variants of a family apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.domain.errors import InvalidInput, Refusal


class PriceNotPositive(Refusal):
    """A price is at least one minor unit."""

    code = "PRICE_NOT_POSITIVE"


class NotPublishable(Refusal):
    """A product lacks what it can't be sold without; ``details["lacks"]`` names it."""

    code = "NOT_PUBLISHABLE"


def spell_variant(options: Sequence[str], attributes: Mapping[str, str]) -> str:
    """Return what sets a variant apart, such as ``red · L``; empty while it lacks a value.

    Raises:
        InvalidInput: longer than 200 characters.
    """
    values = [attributes.get(option, "") for option in options]
    spelt = " · ".join(values) if all(values) else ""
    if len(spelt) > 200:
        raise InvalidInput("What sets a variant apart has 200 characters at most.", field="family")
    return spelt


def refuse_lacking(name: str, *, priced: bool, complete: bool) -> None:
    """Refuse to have something for sale that lacks a price, or what makes it this variant.

    Raises:
        NotPublishable: names what it lacks.
    """
    lacks = [word for word, there in (("price", priced), ("options", complete)) if not there]
    if lacks:
        said = {"price": "a price", "options": "a value for each option of its family"}
        text = " and ".join(said[word] for word in lacks)
        raise NotPublishable(f"{name} can't be sold without {text}.", lacks=lacks)

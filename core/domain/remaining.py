"""What is left of a payment's objects to take or to give back, and how much of it may be asked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from core.domain.errors import (
    AmountTooHigh,
    FeatureMissing,
    InvalidInput,
    NothingToCapture,
    NothingToRefund,
)
from core.domain.payments import USES_UP, Folded
from hookspecs import FactKind, Feature

_KEEPS_BACK = frozenset(
    {
        FactKind.REFUNDED,
        FactKind.REFUND_PENDING,
        FactKind.DISPUTE_OPENED,
        FactKind.DISPUTE_LOST,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some of a provider's object: ``whole`` is all of it, both in minor units."""

    object_id: str
    whole: int
    minor: int


def to_capture(after: Folded) -> tuple[Part, ...]:
    """Return the authorisations of which something can still be taken."""
    return _left(after, FactKind.AUTHORIZED, USES_UP)


def to_refund(after: Folded) -> tuple[Part, ...]:
    """Return the captures of which something can still be given back."""
    return _left(after, FactKind.CAPTURED, _KEEPS_BACK)


def part_to_capture(
    after: Folded, *, minor: int | None, final: bool, features: Collection[Feature]
) -> Part:
    """Return which authorisation to take ``minor`` of; ``None`` takes all that is left of it.

    Raises:
        NothingToCapture: nothing is authorised, or all of it was taken.
        InvalidInput, AmountTooHigh: less than 1, or more than is left of any authorisation.
        FeatureMissing: the strategy takes only all at once, or only once.
    """
    authorizations = to_capture(after)
    if not authorizations:
        raise NothingToCapture("Nothing that was authorised is left to capture.")
    largest = max(authorizations, key=lambda one: one.minor)
    wanted = _wanted(minor, most=largest.minor)
    if wanted < largest.minor:
        _require(Feature.PARTIAL_CAPTURE, features)
    again = largest.minor < largest.whole
    if again or (not final and wanted < largest.minor):
        _require(Feature.MULTIPLE_CAPTURES, features)
    return Part(object_id=largest.object_id, whole=largest.whole, minor=wanted)


def parts_to_refund(
    after: Folded, *, minor: int | None, features: Collection[Feature]
) -> tuple[Part, ...]:
    """Return how much to give back of which captures; ``None`` gives back all that is left.

    One capture that can bear it all is preferred to several.

    Raises:
        NothingToRefund: nothing captured is left.
        InvalidInput, AmountTooHigh: less than 1, or more than is left.
        FeatureMissing: the strategy gives back whole captures only.
    """
    if after.refundable <= 0:
        raise NothingToRefund("Nothing that was paid is left to give back.")
    wanted = _wanted(minor, most=after.refundable)
    parts = spread(after, minor=wanted)
    if any(part.minor < part.whole for part in parts):
        _require(Feature.PARTIAL_REFUND, features)
    return parts


def spread(after: Folded, *, minor: int) -> tuple[Part, ...]:
    """Return the captures that bear a refund of ``minor``, as far as they hold that much."""
    captures = to_refund(after)
    alone = [one for one in captures if one.minor >= minor]
    parts, left = [], minor
    for one in alone[:1] or captures:
        taken = min(left, one.minor)
        left -= taken
        if taken > 0:
            parts.append(Part(object_id=one.object_id, whole=one.whole, minor=taken))
    return tuple(parts)


def _left(after: Folded, kind: FactKind, uses: Collection[FactKind]) -> tuple[Part, ...]:
    found = []
    for one in after.objects:
        if one.kind is not kind:
            continue
        used = sum(
            other.amount
            for other in after.objects
            if other.kind in uses and other.parent_id == one.object_id
        )
        if used < one.amount:
            found.append(Part(object_id=one.object_id, whole=one.amount, minor=one.amount - used))
    return tuple(found)


def _wanted(minor: int | None, *, most: int) -> int:
    if minor is None:
        return most
    if minor < 1:
        raise InvalidInput("An amount is at least one minor unit.", field="amount")
    if minor > most:
        raise AmountTooHigh(
            f"{minor} is more than what is left: {most}.", amount_minor=minor, most_minor=most
        )
    return minor


def _require(feature: Feature, features: Collection[Feature]) -> None:
    if feature not in features:
        raise FeatureMissing(
            f"This way to pay has no {feature.value.lower().replace('_', ' ')}.",
            feature=feature.value,
        )

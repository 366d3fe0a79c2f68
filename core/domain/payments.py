"""The fold: what a payment amounts to, whatever order its facts came in and however often."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hookspecs import Fact, FactKind, Money


class ObjectKind(StrEnum):
    """The five kinds of object that a provider speaks of."""

    APPROVAL = "APPROVAL"
    AUTHORIZATION = "AUTHORIZATION"
    CAPTURE = "CAPTURE"
    REFUND = "REFUND"
    DISPUTE = "DISPUTE"


class PaymentState(StrEnum):
    """What the facts amount to; of several that hold, the first in this order."""

    DISPUTED = "DISPUTED"
    REFUNDED = "REFUNDED"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    CAPTURED = "CAPTURED"
    PARTIALLY_CAPTURED = "PARTIALLY_CAPTURED"
    AUTHORIZED = "AUTHORIZED"
    PROCESSING = "PROCESSING"
    CLOSED = "CLOSED"
    APPROVED = "APPROVED"
    OPEN = "OPEN"


class IncidentCode(StrEnum):
    """What a person should look at; computed, so that it clears by itself."""

    FOREIGN = "FOREIGN"
    OVER_AUTHORIZATION = "OVER_AUTHORIZATION"
    OVER_CAPTURED = "OVER_CAPTURED"
    OVER_REFUNDED = "OVER_REFUNDED"
    ORPHAN = "ORPHAN"
    TWO_PARENTS = "TWO_PARENTS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something that doesn't add up; `object_id` is empty if it is about the payment in all."""

    code: IncidentCode
    object_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one object of the provider's stands; the amount in minor units."""

    kind: FactKind
    object_id: str
    parent_id: str | None
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """What a payment's facts come to. Amounts in minor units of the currency asked in.

    Nothing is clamped in the sums: more than was asked shows, and is an incident as well.
    """

    state: PaymentState
    authorized: int
    captured: int
    capturing: int
    refunded: int
    refunding: int
    disputed: int
    charged_back: int
    refundable: int
    incidents: tuple[Incident, ...]
    objects: tuple[Standing, ...]


# The rows of FactKind, each in rising rank.
ROWS: Final[Mapping[ObjectKind, tuple[FactKind, ...]]] = {
    ObjectKind.APPROVAL: (FactKind.APPROVED, FactKind.APPROVAL_CLOSED),
    ObjectKind.AUTHORIZATION: (
        FactKind.AUTHORIZATION_PENDING,
        FactKind.AUTHORIZATION_FAILED,
        FactKind.AUTHORIZED,
        FactKind.AUTHORIZATION_CLOSED,
    ),
    ObjectKind.CAPTURE: (
        FactKind.CAPTURE_PENDING,
        FactKind.CAPTURE_FAILED,
        FactKind.CAPTURED,
        FactKind.CAPTURE_REVERSED,
    ),
    ObjectKind.REFUND: (FactKind.REFUND_PENDING, FactKind.REFUNDED, FactKind.REFUND_FAILED),
    ObjectKind.DISPUTE: (FactKind.DISPUTE_OPENED, FactKind.DISPUTE_WON, FactKind.DISPUTE_LOST),
}
ABSORBING: Final = frozenset({FactKind.APPROVAL_CLOSED, FactKind.AUTHORIZATION_CLOSED})
USES_UP: Final = frozenset({FactKind.CAPTURED, FactKind.CAPTURE_PENDING, FactKind.CAPTURE_REVERSED})
GIVES_BACK: Final = frozenset({FactKind.REFUNDED, FactKind.REFUND_PENDING, FactKind.DISPUTE_LOST})
TAKEN: Final = frozenset({FactKind.CAPTURED, FactKind.CAPTURE_REVERSED})
ENDED: Final = ABSORBING | {FactKind.CAPTURE_REVERSED}

_ROW: Final = {kind: row for row, kinds in ROWS.items() for kind in kinds}
_RANK: Final = {kind: rank for kinds in ROWS.values() for rank, kind in enumerate(kinds)}


def object_kind(kind: FactKind, /) -> ObjectKind:
    """Return which kind of object a fact is about."""
    return _ROW[kind]


def digest(strategy: str, fact: Fact, /) -> str:
    """Return a fact's identity as 64 hexadecimal digits: all of it but its time."""
    identity = json.dumps([strategy, *_identity(fact)], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(identity.encode()).hexdigest()


def fold(facts: Iterable[Fact], /, *, asked: Money, account: str | None) -> Folded:
    """Say what a payment amounts to. Times never decide, nor does arrival.

    Args:
        facts: all that is known, in any order, repeated or not.
        asked: the amount that this payment is to collect.
        account: whose money it is, where the strategy says so.

    """
    distinct = {_identity(fact): fact for fact in facts}.values()
    own = [fact for fact in distinct if not _is_foreign(fact, asked, account)]
    incidents = [_foreign(fact) for fact in distinct if _is_foreign(fact, asked, account)]
    grouped: dict[tuple[ObjectKind, str], list[Fact]] = {}
    for fact in own:
        grouped.setdefault((_ROW[fact.kind], fact.object_id), []).append(fact)
    objects = [_standing(grouped[key], incidents) for key in sorted(grouped)]
    sums = {kind: sum(one.amount for one in objects if one.kind is kind) for kind in FactKind}
    authorized = sum(
        max(0, one.amount - _used_up(one.object_id, objects))
        for one in objects
        if one.kind is FactKind.AUTHORIZED
    )
    incidents += _over_authorization(grouped, objects)
    incidents += _over_captured(sums, asked)
    incidents += _over_refunded(sums, objects)
    incidents += _orphans(objects)
    given_back = sums[FactKind.REFUNDED] + sums[FactKind.DISPUTE_LOST]
    held_back = sums[FactKind.REFUND_PENDING] + sums[FactKind.DISPUTE_OPENED]
    return Folded(
        state=_state(sums, {one.kind for one in objects}, authorized, asked.minor),
        authorized=authorized,
        captured=sums[FactKind.CAPTURED],
        capturing=sums[FactKind.CAPTURE_PENDING],
        refunded=sums[FactKind.REFUNDED],
        refunding=sums[FactKind.REFUND_PENDING],
        disputed=sums[FactKind.DISPUTE_OPENED],
        charged_back=sums[FactKind.DISPUTE_LOST],
        refundable=max(0, sums[FactKind.CAPTURED] - given_back - held_back),
        incidents=tuple(
            sorted(set(incidents), key=lambda one: (one.code, one.object_id, one.text))
        ),
        objects=tuple(objects),
    )


def _identity(fact: Fact) -> tuple[str | int | None, ...]:
    amount = fact.amount
    named = (fact.parent_id, fact.operation_id, fact.account)
    return (fact.kind.value, fact.object_id, amount.minor, amount.currency, *named, fact.sequence)


def _is_foreign(fact: Fact, asked: Money, account: str | None) -> bool:
    if fact.amount.currency != asked.currency:
        return True
    return fact.account is not None and account is not None and fact.account != account


def _foreign(fact: Fact) -> Incident:
    whose = f" of account {fact.account}" if fact.account is not None else ""
    text = f"{fact.kind} over {fact.amount}{whose} doesn't belong to this payment"
    return Incident(code=IncidentCode.FOREIGN, object_id=fact.object_id, text=text)


def _standing(facts: Sequence[Fact], incidents: list[Incident]) -> Standing:
    last = max(facts, key=lambda fact: (fact.kind in ABSORBING, fact.sequence, _RANK[fact.kind]))
    parents = sorted({fact.parent_id for fact in facts if fact.parent_id is not None})
    if len(parents) > 1:
        text = f"said to belong to {', '.join(parents)}"
        incidents.append(
            Incident(code=IncidentCode.TWO_PARENTS, object_id=last.object_id, text=text)
        )
    return Standing(
        kind=last.kind,
        object_id=last.object_id,
        parent_id=parents[0] if parents else None,
        amount=_amount(fact for fact in facts if fact.kind is last.kind),
    )


def _amount(facts: Iterable[Fact]) -> int:
    _, minor = max((fact.sequence, fact.amount.minor) for fact in facts)
    return minor


def _used_up(authorization_id: str, objects: Sequence[Standing]) -> int:
    return sum(
        one.amount for one in objects if one.kind in USES_UP and one.parent_id == authorization_id
    )


def _over_authorization(
    grouped: Mapping[tuple[ObjectKind, str], Sequence[Fact]], objects: Sequence[Standing]
) -> list[Incident]:
    """Compare with what was authorised last: closing an authorisation doesn't excuse."""
    found = []
    for (row, object_id), facts in grouped.items():
        granted = [fact for fact in facts if fact.kind is FactKind.AUTHORIZED]
        if row is not ObjectKind.AUTHORIZATION or not granted:
            continue
        used, most = _used_up(object_id, objects), _amount(granted)
        if used > most:
            text = f"{used} captured of {most} authorized"
            found.append(
                Incident(code=IncidentCode.OVER_AUTHORIZATION, object_id=object_id, text=text)
            )
    return found


def _over_captured(sums: Mapping[FactKind, int], asked: Money) -> list[Incident]:
    captured = sums[FactKind.CAPTURED]
    if captured <= asked.minor:
        return []
    text = f"{captured} captured of {asked.minor} asked"
    return [Incident(code=IncidentCode.OVER_CAPTURED, object_id="", text=text)]


def _over_refunded(sums: Mapping[FactKind, int], objects: Sequence[Standing]) -> list[Incident]:
    found = []
    for capture in objects:
        if capture.kind not in TAKEN:
            continue
        back = sum(
            one.amount
            for one in objects
            if one.kind in GIVES_BACK and one.parent_id == capture.object_id
        )
        if back > capture.amount:
            text = f"{back} given back of {capture.amount} captured"
            found.append(
                Incident(code=IncidentCode.OVER_REFUNDED, object_id=capture.object_id, text=text)
            )
    back, captured = sum(sums[kind] for kind in GIVES_BACK), sums[FactKind.CAPTURED]
    if back > captured:
        text = f"{back} given back of {captured} captured in all"
        found.append(Incident(code=IncidentCode.OVER_REFUNDED, object_id="", text=text))
    return found


def _orphans(objects: Sequence[Standing]) -> list[Incident]:
    captures = {one.object_id for one in objects if one.kind in TAKEN}
    return [
        Incident(
            code=IncidentCode.ORPHAN,
            object_id=one.object_id,
            text=f"a refund, but no capture {one.parent_id or 'at all'}",
        )
        for one in objects
        if one.kind in (FactKind.REFUNDED, FactKind.REFUND_PENDING)
        and (one.parent_id not in captures if one.parent_id is not None else not captures)
    ]


def _state(
    sums: Mapping[FactKind, int], kinds: set[FactKind], authorized: int, asked: int
) -> PaymentState:
    captured = sums[FactKind.CAPTURED]
    back = sums[FactKind.REFUNDED] + sums[FactKind.DISPUTE_LOST]
    pending = {FactKind.CAPTURE_PENDING, FactKind.AUTHORIZATION_PENDING}
    holds = {
        PaymentState.DISPUTED: sums[FactKind.DISPUTE_OPENED] > 0,
        PaymentState.REFUNDED: captured > 0 and back >= captured,
        PaymentState.PARTIALLY_REFUNDED: captured > 0 and back > 0,
        PaymentState.CAPTURED: captured > 0 and captured >= asked,
        PaymentState.PARTIALLY_CAPTURED: captured > 0,
        PaymentState.AUTHORIZED: authorized > 0,
        PaymentState.PROCESSING: not kinds.isdisjoint(pending),
        # A reversed capture ends a payment too: nobody resumes it because it was once approved.
        PaymentState.CLOSED: not kinds.isdisjoint(ENDED),
        PaymentState.APPROVED: FactKind.APPROVED in kinds,
        PaymentState.OPEN: True,
    }
    return next(state for state in PaymentState if holds[state])

"""What folded facts and commands under way mean for a payment, its order, and one command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.domain.lifecycle import LIVE, OperationStatus, PaymentStatus
from core.domain.payments import Folded, IncidentCode, PaymentState
from hookspecs import (
    Declined,
    Done,
    FactKind,
    Finding,
    InProgress,
    NeedsCustomer,
    NotFound,
    Verb,
)

REQUIRES_ACTION = "REQUIRES_ACTION"
DECLINED = "DECLINED"
UNRESOLVED = "UNRESOLVED"

_OVERLAID = frozenset({PaymentState.OPEN, PaymentState.APPROVED})
_COLLECTED = frozenset(
    {
        PaymentState.CAPTURED,
        PaymentState.PARTIALLY_REFUNDED,
        PaymentState.REFUNDED,
        PaymentState.DISPUTED,
    }
)
_OVERLAYS = {
    OperationStatus.UNKNOWN: UNRESOLVED,
    OperationStatus.NEEDS_CUSTOMER: REQUIRES_ACTION,
    OperationStatus.IN_PROGRESS: PaymentState.PROCESSING.value,
    OperationStatus.DECLINED: DECLINED,
    OperationStatus.ABANDONED: PaymentState.CLOSED.value,
}


_VARIANTS: Mapping[type, OperationStatus | None] = {
    Done: OperationStatus.DONE,
    NeedsCustomer: OperationStatus.NEEDS_CUSTOMER,
    InProgress: OperationStatus.IN_PROGRESS,
    Declined: OperationStatus.DECLINED,
    NotFound: None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A payment as its order sees it: the fold, and how its last command stands."""

    folded: Folded
    last: str | None
    live: bool


def payment_status(folded: Folded, last: str | None) -> str:
    """Return a payment's state: the fold's, with what only commands know laid over it."""
    if folded.state in _OVERLAID and last is not None:
        return _OVERLAYS.get(OperationStatus(last), folded.state.value)
    return folded.state.value


def kept_minor(folded: Folded) -> int:
    """Return what a payment has taken and not given back, in minor units."""
    return folded.captured - folded.refunded - folded.charged_back


def paying_minor(folded: Folded) -> int:
    """Return what a payment counts for towards its order, in minor units.

    All that it took, even if part of it went back since: which news came first changes nothing.
    Nothing, where all of it went back, or more was taken than asked: a mismatch never pays.
    """
    return 0 if is_mismatch(folded) or kept_minor(folded) <= 0 else folded.captured


def is_mismatch(folded: Folded) -> bool:
    """Say whether more was taken than was asked for: a person has to look."""
    return any(one.code is IncidentCode.OVER_CAPTURED for one in folded.incidents)


def order_payment_status(payments: Sequence[Standing], *, total_minor: int) -> PaymentStatus:
    """Return how an order stands with its money over all its payments."""
    captured = sum(one.folded.captured for one in payments)
    back = sum(one.folded.refunded + one.folded.charged_back for one in payments)
    authorized = sum(one.folded.authorized for one in payments)
    kept = sum(kept_minor(one.folded) for one in payments)
    mismatch = any(is_mismatch(one.folded) for one in payments)
    undecided = any(one.last == OperationStatus.UNKNOWN for one in payments)
    holds = {
        PaymentStatus.DISPUTED: any(one.folded.disputed for one in payments),
        PaymentStatus.REFUNDED: captured > 0 and back >= captured,
        PaymentStatus.PAID: kept >= total_minor and not mismatch,
        PaymentStatus.PARTIALLY_REFUNDED: captured > 0 and back > 0,
        PaymentStatus.PARTIALLY_PAID: captured > 0 and not mismatch,
        PaymentStatus.UNRESOLVED: undecided or mismatch,
        PaymentStatus.AUTHORIZED: authorized >= total_minor,
        PaymentStatus.PENDING: any(one.live for one in payments),
        PaymentStatus.NONE: True,
    }
    return next(status for status, held in holds.items() if held)


def is_live(status: str | None) -> bool:
    """Say whether a command may still have an effect."""
    return status is not None and OperationStatus(status) in LIVE


def moved_minor(verb: Verb, folded: Folded) -> int:
    """Return how much commands of this kind have moved, or are about to, in minor units."""
    if verb is Verb.CAPTURE:
        return folded.captured + folded.capturing
    return folded.refunded + folded.refunding if verb is Verb.REFUND else 0


def decided_by(
    finding: Finding, *, verb: Verb, operation_id: str, before: int, after: Folded
) -> OperationStatus | None:
    """Return what became of a command in doubt, or None where it didn't happen.

    An object whose facts name the command settles it; failing that, the variant settles START and
    RESUME, unless all that was asked for has been taken, and what has grown settles the others.
    ``before`` is what ``moved_minor`` gave when the command was committed. Sound because a payment
    has at most one command under way.
    """
    if any(fact.operation_id == operation_id for fact in getattr(finding, "facts", ())):
        return (
            _by_variant(finding, after)
            if verb in (Verb.START, Verb.RESUME)
            else OperationStatus.DONE
        )
    match verb:
        case Verb.START | Verb.RESUME:
            return (
                OperationStatus.DONE if after.state in _COLLECTED else _by_variant(finding, after)
            )
        case Verb.CAPTURE | Verb.REFUND:
            grown = moved_minor(verb, after) > before
        case Verb.VOID:
            closed = any(one.kind is FactKind.APPROVAL_CLOSED for one in after.objects)
            ended = any(one.kind is FactKind.AUTHORIZATION_CLOSED for one in after.objects)
            grown = after.authorized == 0 and (closed or ended)
    return OperationStatus.DONE if grown else None


def _by_variant(finding: Finding, after: Folded) -> OperationStatus | None:
    if isinstance(finding, Done) and after.state is PaymentState.APPROVED:
        return OperationStatus.NEEDS_CUSTOMER  # approved, and yet to be resumed by us
    return _VARIANTS.get(type(finding), OperationStatus.UNKNOWN)

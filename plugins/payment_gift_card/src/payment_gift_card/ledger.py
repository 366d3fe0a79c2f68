"""What moves money between cards and payments: each step one transaction, the card's row locked."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet, Sum

from hookspecs import DeclineCode, Money
from payment_gift_card.codes import digest_of, new_code
from payment_gift_card.models import GiftCard, Refund, Taking


class RefusedError(Exception):
    """The ledger says no; nothing has moved."""

    def __init__(self, code: DeclineCode, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def issue(
    worth: Money,
    *,
    tenant: str,
    now: datetime,
    code: str = "",
    expires_at: datetime | None = None,
    note: str = "",
) -> str:
    """Issue a card and return its code, which nobody can read again.

    Raises:
        ValueError: it is worth nothing.
    """
    if worth.minor <= 0:
        raise ValueError("a card has to be worth something")
    code = code or new_code()
    GiftCard.objects.create(
        tenant=tenant,
        digest=digest_of(code),
        hint=code[-4:],
        currency=worth.currency,
        issued_minor=worth.minor,
        balance_minor=worth.minor,
        issued_at=now,
        expires_at=expires_at,
        note=note,
    )
    return code


def card_of(code: str, *, tenant: str) -> GiftCard | None:
    """Return the card that this is the code of, unless it is blocked; nothing is locked."""
    return GiftCard.objects.filter(tenant=tenant, digest=digest_of(code), blocked=False).first()


def fill_up(code: str, worth: Money, *, tenant: str, now: datetime) -> None:
    """See to it that a card exists and holds at least this much: for samples only."""
    with transaction.atomic(durable=True):
        card = _cards(tenant).filter(digest=digest_of(code)).first()
        if card is None:
            issue(worth, tenant=tenant, now=now, code=code, note="sample")
        elif card.currency == worth.currency and card.balance_minor < worth.minor:
            card.issued_minor += worth.minor - card.balance_minor
            card.balance_minor = worth.minor
            card.save(update_fields=["issued_minor", "balance_minor"])


def take(
    code: str,
    asked: Money,
    *,
    tenant: str,
    payment_id: str,
    operation_id: str,
    capture: bool,
    now: datetime,
) -> Taking:
    """Take what the card holds, up to ``asked``; the same operation takes once.

    Raises:
        RefusedError: no such card, or one that can't pay this.
    """
    with transaction.atomic(durable=True):
        card = _cards(tenant).filter(digest=digest_of(code)).first()
        before = Taking.objects.filter(tenant=tenant, operation_id=operation_id).first()
        if before is not None:
            return before
        usable = _usable(card, asked.currency, now)
        taken = min(usable.balance_minor, asked.minor)
        usable.balance_minor -= taken
        usable.save(update_fields=["balance_minor"])
        return Taking.objects.create(
            card=usable,
            tenant=tenant,
            payment_id=payment_id,
            operation_id=operation_id,
            status=Taking.Status.CAPTURED if capture else Taking.Status.HELD,
            taken_minor=taken,
            captured_minor=taken if capture else 0,
            taken_at=now,
            settled_at=now if capture else None,
        )


def capture(
    taking_id: str, asked: Money, *, tenant: str, operation_id: str, now: datetime
) -> Taking:
    """Take a hold, or part of it; what is left goes back onto the card.

    Raises:
        RefusedError: no such hold, or it holds less.
    """
    with transaction.atomic(durable=True):
        taking = _locked(taking_id, tenant)
        if taking.capture_operation_id == operation_id:
            return taking
        if taking.status != Taking.Status.HELD:
            raise RefusedError(DeclineCode.NOT_SUPPORTED, "The payment has moved on meanwhile.")
        _same_currency(taking, asked)
        if not 0 < asked.minor <= taking.taken_minor:
            raise RefusedError(DeclineCode.INVALID_REQUEST, "More than is held.")
        taking.capture_operation_id = operation_id
        _settle(taking, Taking.Status.CAPTURED, asked.minor, now)
        return taking


def release(taking_id: str, *, tenant: str, now: datetime) -> Taking:
    """Give a hold back untaken; doing so again changes nothing.

    Raises:
        RefusedError: no such hold, or it was captured.
    """
    with transaction.atomic(durable=True):
        taking = _locked(taking_id, tenant)
        if taking.status == Taking.Status.CAPTURED:
            raise RefusedError(DeclineCode.NOT_SUPPORTED, "The payment has moved on meanwhile.")
        if taking.status == Taking.Status.HELD:
            _settle(taking, Taking.Status.RELEASED, 0, now)
        return taking


def give_back(
    taking_id: str, amount: Money, *, tenant: str, operation_id: str, now: datetime
) -> Taking:
    """Put money back onto the card it came from; the same operation gives once.

    Raises:
        RefusedError: nothing was taken, or less than would be given back.
    """
    with transaction.atomic(durable=True):
        taking = _locked(taking_id, tenant)
        if Refund.objects.filter(tenant=tenant, operation_id=operation_id).exists():
            return taking
        _same_currency(taking, amount)
        if not 0 < amount.minor <= taking.captured_minor - _given_back(taking):
            raise RefusedError(DeclineCode.INVALID_REQUEST, "More than was taken.")
        Refund.objects.create(
            taking=taking,
            tenant=tenant,
            operation_id=operation_id,
            amount_minor=amount.minor,
            given_at=now,
        )
        taking.card.balance_minor += amount.minor
        taking.card.save(update_fields=["balance_minor"])
        return taking


def taken_for(payment_id: str, *, tenant: str) -> Taking | None:
    """Return what was taken for a payment, or None."""
    mine = Taking.objects.filter(tenant=tenant, payment_id=payment_id)
    return _whole(mine).order_by("taken_at").first()


def moved(since: datetime, until: datetime) -> QuerySet[Taking]:
    """Return what was taken, settled or given back between two moments, the first included."""
    within = Q()
    for when in ("taken_at", "settled_at", "refunds__given_at"):
        within |= Q(**{f"{when}__gte": since, f"{when}__lt": until})
    return _whole(Taking.objects.filter(within)).distinct()


def _whole(takings: QuerySet[Taking]) -> QuerySet[Taking]:
    return takings.select_related("card").prefetch_related("refunds")


def _cards(tenant: str) -> QuerySet[GiftCard]:
    return GiftCard.objects.select_for_update().filter(tenant=tenant)


def _usable(card: GiftCard | None, currency: str, now: datetime) -> GiftCard:
    if card is None or card.blocked:
        raise RefusedError(DeclineCode.INVALID_INPUT, "There is no such gift card.")
    if card.expires_at is not None and card.expires_at <= now:
        raise RefusedError(DeclineCode.EXPIRED, "This gift card has expired.")
    if card.currency != currency:
        raise RefusedError(DeclineCode.NOT_SUPPORTED, f"This gift card is in {card.currency}.")
    if card.balance_minor <= 0:
        raise RefusedError(DeclineCode.INSUFFICIENT_FUNDS, "This gift card is empty.")
    return card


def _locked(taking_id: str, tenant: str) -> Taking:
    """Lock card, then taking: the one order of locks."""
    try:
        known = Taking.objects.filter(tenant=tenant, pk=UUID(taking_id)).first()
    except ValueError:
        known = None
    if known is None:
        raise RefusedError(DeclineCode.INVALID_REQUEST, "Nothing was taken under this name.")
    card = _cards(tenant).get(pk=known.card_id)
    taking = Taking.objects.select_for_update().get(pk=known.pk)
    taking.card = card
    return taking


def _same_currency(taking: Taking, amount: Money) -> None:
    if taking.card.currency != amount.currency:
        raise RefusedError(DeclineCode.INVALID_REQUEST, f"The card is in {taking.card.currency}.")


def _settle(taking: Taking, status: Taking.Status, captured: int, now: datetime) -> None:
    taking.status = status
    taking.captured_minor = captured
    taking.settled_at = now
    taking.save(update_fields=["status", "captured_minor", "settled_at", "capture_operation_id"])
    taking.card.balance_minor += taking.taken_minor - captured
    taking.card.save(update_fields=["balance_minor"])


def _given_back(taking: Taking) -> int:
    return taking.refunds.aggregate(total=Sum("amount_minor"))["total"] or 0

"""Compare a gateway's own list with ours, both ways: what either knows and the other doesn't."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.db.models import Q

from core.application.apply_notice import apply_notice, find_payment, is_known
from core.application.commanding import inquiry_of
from core.conf import conf
from core.domain.errors import NotSupported, OrderloomError, PluginFailedError
from core.hooks.offered import OfferedStrategy
from core.hooks.registry import Registry
from core.models import Fact as FactRow
from core.models import Operation, Payment
from hookspecs import Call, Fact, FactKind, Notice, Unknown

_MONEY: Final = (FactKind.CAPTURED, FactKind.REFUNDED)
_PATIENCE: Final = 12
"""A statement may take as long as that many calls."""


class Difference(StrEnum):
    """How the two lists differ."""

    NOT_OURS = "NOT_OURS"
    """The gateway names a payment of ours that we don't know, or nobody's: it names none."""
    NEWS = "NEWS"
    """It knows more of a payment than we did; asked for it, it said so again: that was applied."""
    NOT_THEIRS = "NOT_THEIRS"
    """We know of money that the gateway knows nothing of."""
    NOT_APPLIED = "NOT_APPLIED"
    """Its news of a payment were refused, or it doesn't confirm them: a person has to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Differs:
    """One difference; ``payment`` and ``reference`` as far as either side names them."""

    kind: Difference
    strategy: str
    payment: str
    reference: str
    text: str
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """How many notices were compared, and what differs."""

    notices: int
    differences: tuple[Differs, ...]


def reconcile(
    plugin: str, *, since: datetime, until: datetime, plugins: Registry, now: datetime
) -> Reconciled:
    """Go through what a plugin's accounts did from ``since`` to ``until``; apply what is news.

    Money of ours that a statement doesn't name is inquired after before it counts as missing: it
    may lie just outside the period.

    Raises:
        NotSupported: no strategy of the plugin lists what its account did.
        PluginUnavailable: the plugin's code isn't loaded.
        PluginFailedError: a gateway couldn't be asked, or answered nonsense.
    """
    plugins.reading_webhooks(plugin)  # refuses by name where its code isn't loaded
    able = [one for one in plugins.of_every_account(plugin) if "statement" in one.can]
    if not able:
        raise NotSupported(f"{plugin} has no statement to compare with.", plugin=plugin)
    count, found = 0, list[Differs]()
    for strategy in able:
        notices = _statement(strategy, since, until)
        count += len(notices)
        for notice in notices:
            found += _compared(notice, strategy, plugins=plugins, now=now)
        found += _not_theirs(strategy, notices, since, until, now=now)
    return Reconciled(notices=count, differences=tuple(found))


def _statement(strategy: OfferedStrategy, since: datetime, until: datetime) -> tuple[Notice, ...]:
    call = Call(deadline=time.monotonic() + conf().deadline("INQUIRE") * _PATIENCE)
    answer = strategy.statement(since, until, call)
    if isinstance(answer, Unknown):
        raise PluginFailedError(
            f"{strategy.info.label} gave no statement: {answer.cause}",
            plugin=strategy.plugin,
            hook="statement",
            offer=strategy.info.code,
            cause=answer.cause,
        )
    return tuple(answer)


def _compared(
    notice: Notice, strategy: OfferedStrategy, *, plugins: Registry, now: datetime
) -> Iterator[Differs]:
    """Compare one notice with what we know; a payment that we know gets what is news."""
    payment = find_payment(notice, strategy)
    if payment is None:
        lost = f"it names our payment {notice.payment_id}" if notice.payment_id else "nobody's"
        yield _differs(Difference.NOT_OURS, strategy, notice, f"we don't know it: {lost}")
        return
    if is_known(notice, payment):
        return
    said = ", ".join(f"{fact.kind.value} {fact.amount}" for fact in notice.facts)
    try:
        why_not = apply_notice(notice, payment, source="STATEMENT", plugins=plugins, now=now)
    except OrderloomError as refused:
        why_not = refused.text
    if why_not:
        yield _differs(Difference.NOT_APPLIED, strategy, notice, f"{said}: {why_not}")
        return
    yield _differs(Difference.NEWS, strategy, notice, said)


def _not_theirs(
    strategy: OfferedStrategy,
    notices: tuple[Notice, ...],
    since: datetime,
    until: datetime,
    *,
    now: datetime,
) -> Iterator[Differs]:
    told = {(fact.kind.value, fact.object_id) for notice in notices for fact in notice.facts}
    when = Q(stated_at__gte=since, stated_at__lt=until)
    when |= Q(stated_at__isnull=True, recorded_at__gte=since, recorded_at__lt=until)
    ours = FactRow.objects.filter(
        when,
        kind__in=_MONEY,
        payment__plugin=strategy.plugin,
        payment__strategy_code=strategy.info.code,
        payment__account=strategy.info.account,
    )
    for row in ours.select_related("payment").order_by("recorded_at", "id"):
        if (row.kind, row.object_id) in told or _is_confirmed(row, strategy, now=now):
            continue
        yield Differs(
            kind=Difference.NOT_THEIRS,
            strategy=strategy.info.code,
            payment=str(row.payment_id),
            reference=row.payment.reference or "",
            text=f"{row.kind} {row.amount_minor} {row.currency}, told by {row.source.lower()}: "
            f"the gateway knows no {row.object_id}",
        )


def _is_confirmed(row: FactRow, strategy: OfferedStrategy, *, now: datetime) -> bool:
    """Ask after the payment itself; without an answer nothing is claimed to be missing."""
    last = (
        Operation.objects.filter(payment_id=row.payment_id).order_by("-created_at", "-id").first()
    )
    if last is None:
        return False
    payment = Payment.objects.get(pk=row.payment_id)
    call = Call(deadline=time.monotonic() + conf().deadline("INQUIRE"))
    finding = strategy.inquire(inquiry_of(last, payment, now=now), call)
    if isinstance(finding, Unknown):
        return False
    facts = getattr(finding, "facts", ())
    return any((fact.kind, fact.object_id) == (row.kind, row.object_id) for fact in facts)


def _differs(kind: Difference, strategy: OfferedStrategy, notice: Notice, text: str) -> Differs:
    return Differs(
        kind=kind,
        strategy=strategy.info.code,
        payment=notice.payment_id or "",
        reference=notice.reference or notice.event_id,
        text=text,
        facts=notice.facts,
    )

"""Apply what a gateway said: the one end of all five ways in, and the one writer of money states.

A reply, the buyer's return, a webhook, a look-up or a person brings facts; they are stored once,
folded with all that are known, and payment and order move to what the fold amounts to. Whoever
loses a race reads again and folds again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from core.application.commanding import operation_clock
from core.application.facts import fact_row, folded, stated
from core.application.move_order import stock_rows
from core.application.next_commands import back_row, may_give_back, secured_row
from core.domain import journal, settling
from core.domain.errors import ConcurrentChange, NotFound
from core.domain.lifecycle import OrderStatus, PaymentStatus, StockState
from core.domain.payments import Folded, digest
from core.models import Event, Fact, Operation, Order, Payment
from core.models.catalogue import RESERVE
from core.models.coupon import TAKEN, Moves, taken_again
from core.models.journal import Chain
from core.models.order import advance
from core.models.payment import OPERATION_MOVES, OPERATION_MOVES_DUE, PAYMENT_STANDS
from core.models.sheet import RuleViolated, Sheet
from hookspecs import Fact as Stated

_ATTEMPTS: Final = 12
_SOLD: Final = TAKEN | {"stock_available"}
_READ_AGAIN: Final = frozenset(
    {"order_moved", "fact_once", "operation_one_live_per_payment", "operation_one_charge_per_order"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationMoved:
    """What became of a command, told under its fence; ``due_in`` seconds it is looked at again."""

    operation_id: UUID
    fence: int
    status: str
    action: Mapping[str, Any] | None = None
    outcome: Mapping[str, Any] | None = None
    looks: int = 0
    due_in: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyFacts:
    """Facts of one payment, where they come from, and the command that brought them."""

    payment_id: UUID
    facts: Sequence[Stated]
    source: str
    reference: str | None = None
    moved: OperationMoved | None = None
    reason: str = ""
    """Why a person says so: it goes into the journal."""


def apply_facts(command: ApplyFacts, *, now: datetime) -> None:
    """Store what is new, fold, and move payment, command and order to what it amounts to.

    Doing it again changes nothing.

    Raises:
        NotFound: there is no such payment.
        ConcurrentChange: too many others moved the order at the same time.
    """
    moved, gone = command.moved, False
    for _ in range(_ATTEMPTS):
        change = _Change.read(command, moved, now=now)
        if change.is_nothing():
            return
        try:
            change.sheet(gone=gone).write()
        except RuleViolated as missed:
            if missed.rule == "operation_moved":
                moved = None  # a later worker holds the fence; the facts are true all the same
            elif missed.rule in _SOLD:
                gone = True  # late money, and stock or coupon are gone: it goes back
            elif missed.rule not in _READ_AGAIN:
                raise
            continue
        return
    raise ConcurrentChange("This order is being changed by others; try again.")


@dataclass(slots=True, kw_only=True)
class _Change:
    """One attempt: what was read, what is new, and what follows."""

    command: ApplyFacts
    moved: OperationMoved | None
    now: datetime
    payment: Payment
    order: Order
    payments: list[Payment]
    operations: list[Operation]
    known: Mapping[UUID, list[Stated]]
    new: list[tuple[str, Stated]]
    folds: dict[UUID, Folded] = field(init=False)
    chain: Chain = field(init=False)

    @classmethod
    def read(cls, command: ApplyFacts, moved: OperationMoved | None, *, now: datetime) -> _Change:
        payment = (
            Payment.objects.select_related("order")
            .defer("order__receipt")
            .filter(pk=command.payment_id)
            .first()
        )
        if payment is None:
            raise NotFound("There is no such payment.")
        rows = list(Fact.objects.filter(payment__order_id=payment.order_id))
        digests = {row.digest for row in rows if row.payment_id == payment.id}
        known: dict[UUID, list[Stated]] = {}
        for row in rows:
            known.setdefault(row.payment_id, []).append(stated(row))
        by_digest = {digest(payment.strategy_code, fact): fact for fact in command.facts}
        operations = list(
            Operation.objects.filter(order_id=payment.order_id).order_by("created_at", "id")
        )
        for operation in operations:
            if moved is not None and operation.id == moved.operation_id:
                operation.status = moved.status
        return cls(
            command=command,
            moved=moved,
            now=now,
            payment=payment,
            order=payment.order,
            payments=list(Payment.objects.filter(order_id=payment.order_id)),
            operations=operations,
            known=known,
            new=[(key, fact) for key, fact in by_digest.items() if key not in digests],
        )

    def is_nothing(self) -> bool:
        said = bool(self.new) or self.moved is not None or bool(self.command.reason)
        return not said and self._reference() is None

    def sheet(self, *, gone: bool) -> Sheet:
        """Say which rows are born and moved, in the one order of locks; the stock comes last."""
        before = self._fold(self.payment, new=False)
        self.folds = {payment.id: self._fold(payment, new=True) for payment in self.payments}
        after = self.folds[self.payment.id]
        self.chain = Chain(
            order_id=self.order.id,
            tenant_id=self.order.tenant_id,
            seq=self.order.log_seq,
            head=self.order.log_head,
        )
        state = settling.payment_status(after, self._last_status(self.payment))
        self._tell(before, after, state)
        status, stock, again = self._order_moves(gone=gone)
        planned = self._planned(status, after)
        sheet = Sheet()
        money = self._order_money()
        if not self.chain.rows:
            self._event(journal.PAYMENT_MOVED, status=state)
        sheet.change(
            advance(len(self.chain.rows)),
            {
                "id": self.order.id,
                "status": status,
                "payment_status": money,
                "stock": stock,
                "log_seq": self.chain.seq,
                "log_head": self.chain.head,
            },
        )
        stands = {"id": self.payment.id, "status": state, "reference": self._reference()}
        sheet.change(PAYMENT_STANDS, stands | {"held_minor": after.authorized})
        self._move_operation(sheet)
        sheet.insert(Operation, *planned, clock=operation_clock())
        sheet.insert(Fact, *self._facts())
        sheet.insert(Event, *self.chain.rows)
        for move, rows in again:
            sheet.change(move, *rows)
        return sheet

    def _fold(self, payment: Payment, *, new: bool) -> Folded:
        facts = list(self.known.get(payment.id, ()))
        if new and payment.id == self.payment.id:
            facts += [fact for _, fact in self.new]
        return folded(payment, facts)

    def _reference(self) -> str | None:
        return self.command.reference if self.payment.reference is None else None

    def _own(self, payment: Payment) -> list[Operation]:
        return [op for op in self.operations if op.payment_id == payment.id]

    def _last_status(self, payment: Payment) -> str | None:
        own = self._own(payment)
        return own[-1].status if own else None

    def _order_money(self) -> PaymentStatus:
        standings = []
        for payment in self.payments:
            last = self._last_status(payment)
            standings.append(
                settling.Standing(
                    folded=self.folds[payment.id], last=last, live=settling.is_live(last)
                )
            )
        return settling.order_payment_status(standings, total_minor=self.order.total_minor)

    def _paying(self) -> int:
        """Return what all payments count for; late money must not have begun to go back."""
        if self.order.status == OrderStatus.CONFIRMED:
            return sum(settling.paying_minor(one) for one in self.folds.values())
        matching = [one for one in self.folds.values() if not settling.is_mismatch(one)]
        return sum(settling.kept_minor(one) for one in matching)

    def _order_moves(self, *, gone: bool) -> tuple[str, str, Moves]:
        """Return the order's next status and stock, and what has to be taken for it again."""
        order = self.order
        if self._paying() < order.total_minor:
            return order.status, order.stock, []
        if order.status == OrderStatus.CONFIRMED:
            self._event(journal.ORDER_PAID)
            return OrderStatus.PAID, StockState.KEPT, []
        if order.status == OrderStatus.EXPIRED and not gone:
            self._event(journal.ORDER_PAID)
            again = [*taken_again(order.id), (RESERVE, stock_rows(order.id))]
            return OrderStatus.PAID, StockState.KEPT, again
        return order.status, order.stock, []

    def _planned(self, status: str, after: Folded) -> list[dict[str, Any]]:
        """Plan to give back what is held for an order that is over, or to take what is secured."""
        if status in (OrderStatus.CANCELLED, OrderStatus.EXPIRED):
            own = self._own(self.payment)
            if any(settling.is_live(op.status) for op in own) or not may_give_back(own, after):
                return []
            row = back_row(self.payment, after, reason="the order is over", now=self.now)
        else:
            row = secured_row(self.order, self.payments, self.operations, self.folds, now=self.now)
        return [row] if row is not None else []

    def _tell(self, before: Folded, after: Folded, state: str) -> None:
        """Write down what moved, with amounts, so that tells and people hear of it."""
        for kind, was, now in (
            (journal.PAYMENT_AUTHORIZED, before.authorized, after.authorized),
            (journal.PAYMENT_CAPTURED, before.captured, after.captured),
            (journal.PAYMENT_REFUNDED, before.refunded, after.refunded),
        ):
            if now > was:
                self._event(kind, amount_minor=now - was)
        if self.command.reason:
            said = [fact.kind.value for fact in self.command.facts]
            self._event(journal.PAYMENT_RESOLVED, reason=self.command.reason, facts=said)
        for incident in after.incidents:
            if incident not in before.incidents:
                self._event(journal.INCIDENT, code=incident.code.value, object=incident.object_id)
        if self.moved is not None and self.moved.status == "DECLINED":
            code = (self.moved.outcome or {}).get("code", "")
            self._event(journal.PAYMENT_DECLINED, code=code)
            if after.captured > before.captured:
                self._event(journal.INCIDENT, code=journal.TAKEN_THOUGH_DECLINED, object="")
        elif not self.chain.rows and state != self.payment.status:
            self._event(journal.PAYMENT_MOVED, status=state)

    def _event(self, kind: str, **data: Any) -> None:
        about = {"payment": str(self.payment.id), "strategy": self.payment.strategy_code}
        self.chain.add(kind, at=self.now, data={**about, **data})

    def _move_operation(self, sheet: Sheet) -> None:
        moved = self.moved
        if moved is None:
            return
        row = {
            "id": moved.operation_id,
            "status": moved.status,
            "action": moved.action,
            "outcome": moved.outcome,
            "looks": moved.looks,
            "fence": moved.fence,
        }
        if moved.due_in is None:
            sheet.change(OPERATION_MOVES, row)
        else:
            sheet.change(OPERATION_MOVES_DUE, row, clock={"due_at": moved.due_in})

    def _facts(self) -> list[dict[str, Any]]:
        source = self.command.source
        return [
            fact_row(fact, payment=self.payment, key=key, source=source, now=self.now)
            for key, fact in self.new
        ]

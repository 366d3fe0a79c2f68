"""Orders, payments, deliveries and webhooks in the console."""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string

from core.admin.console import Asking, Console, action, choose, money
from core.application.cancel_order import CancelOrder, cancel_order
from core.application.fulfil_order import fulfil_order
from core.application.queries import receipt_steps, snapshot_of, steps_seen
from core.application.refund_payment import RefundPayment, refund_payment
from core.application.replay_webhook import replay_webhook
from core.domain.lifecycle import DeliveryStatus, InboxStatus, OrderStatus, PaymentStatus
from core.domain.replay import stored_shadow
from core.models import Delivery, Event, Fact, InboxEntry, Operation, Order, OrderLine, Payment
from hookspecs import Money

# Said here, because in the models it would need a migration.
Delivery._meta.verbose_name_plural = "deliveries"  # noqa: SLF001
InboxEntry._meta.verbose_name_plural = "inbox entries"  # noqa: SLF001


def _cancel(order: Order, ask: Asking) -> None:
    command = CancelOrder(order_id=order.pk, reason=ask.reason)
    cancel_order(command, plugins=ask.plugins, now=ask.now)


def _refund(payment: Payment, ask: Asking) -> None:
    command = RefundPayment(
        payment_id=payment.pk,
        principal=ask.principal,
        key=secrets.token_urlsafe(24),
        reason=ask.reason,
    )
    refund_payment(command, plugins=ask.plugins, now=ask.now)


@admin.register(Order)
class OrderConsole(Console):
    """One order on one page: what was sold, paid and told, and why the price is what it is."""

    list_display = ("number", "placed_at", "status", "payment_status", "total", "source")
    list_filter = (choose("status", OrderStatus), choose("payment_status", PaymentStatus))
    search_fields = ("number__iexact",)
    fields = (
        *("number", "status", "payment_status", "stock", "source", "placed_at", "expires_at"),
        *("customer", "whole"),
    )
    total = money("total_minor", "Total")
    actions = (
        action("Cancel and give the money back", "cancelled", _cancel, reasoned=True),
        action("Fulfil", "fulfilled", lambda row, ask: fulfil_order(row.pk, now=ask.now)),
    )

    @admin.display(description="The order")
    def whole(self, order: Order) -> str:
        """Show its lines, payments, facts, receipt and journal."""
        lines = OrderLine.objects.filter(order_id=order.pk).order_by("position")
        payments = Payment.objects.filter(order_id=order.pk).order_by("created_at", "id")
        context = {
            "order": snapshot_of(order, lines),
            "steps": receipt_steps(order.receipt, order.currency),
            "shadow": _shadow(order),
            "payments": [(row, row.amount) for row in payments],
            "facts": _facts(payment__order_id=order.pk),
            "events": Event.objects.filter(order_id=order.pk).order_by("seq"),
        }
        return render_to_string("orderloom/console/order.html", context)


def _shadow(order: Order) -> dict[str, Any] | None:
    shadow = stored_shadow(order.receipt)
    if shadow is None:
        return None
    minor, currency = shadow.total_minor, order.currency
    total = shadow.failed if minor is None else str(Money(minor, currency))
    return {"total": total, "steps": steps_seen(shadow.steps, currency)}


@admin.register(Payment)
class PaymentConsole(Console):
    """Attempts to collect money; an action gives it back."""

    list_display = ("label", "order", "amount", "status", "plugin", "created_at")
    search_fields = ("order__number__iexact", "reference__exact")
    fields = (
        *("order", "label", "status", "amount", "plugin", "distribution", "version", "account"),
        *("reference", "created_at", "whole"),
    )
    amount = money("amount_minor")
    actions = (action("Refund all that is left", "refund asked for", _refund, reasoned=True),)

    @admin.display(description="Commands and facts")
    def whole(self, payment: Payment) -> str:
        """Show what the gateway was told to do, and what it said happened."""
        found = Operation.objects.filter(payment_id=payment.pk).order_by("created_at", "id")
        context = {
            "operations": [(row, Money(row.amount_minor, payment.currency)) for row in found],
            "facts": _facts(payment_id=payment.pk),
        }
        return render_to_string("orderloom/console/payment.html", context)


def _facts(**of: Any) -> list[tuple[Fact, Money]]:
    found = Fact.objects.filter(**of).order_by("recorded_at", "id")
    return [(fact, fact.amount) for fact in found]


@admin.register(Delivery)
class DeliveryConsole(Console):
    """Events on their way to receivers."""

    list_display = ("what", "receiver", "status", "attempt", "due_at", "done_at", "cause")
    list_filter = (choose("status", DeliveryStatus),)
    list_select_related = ("event",)
    fields = (*list_display, "plugin", "channel", "template", "reference")

    @admin.display(description="Event")
    def what(self, delivery: Delivery) -> str:
        """What is being told."""
        return delivery.event.kind


@admin.register(InboxEntry)
class InboxConsole(Console):
    """Webhooks as they came in; what is in them stays out of sight."""

    list_display = ("received_at", "plugin", "status", "attempt", "cause")
    list_filter = (choose("status", InboxStatus),)
    fields = (*list_display, "due_at")
    actions = (
        action(
            "Read again",
            "read again",
            lambda entry, ask: replay_webhook(entry.pk, plugins=ask.plugins, now=ask.now),
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave bodies and headers where they are."""
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.defer("body", "headers")

"""Expand each event once into one delivery per receiver: plugins, signals, caches and people."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models.functions import Now

from core.application.build_events import TELLS
from core.application.plugin_states import Switches, read_switches, wanted
from core.conf import conf
from core.context import tenant
from core.domain import journal
from core.hooks.discovery import Because
from core.hooks.registry import Registry
from core.hooks.states import State
from core.models import Delivery, Event, Order, Plugin, Subscription

__all__ = ["OWN_NAMESPACES", "SIGNALS", "fan_out_events"]

log = structlog.get_logger(__name__)

SIGNALS: Final = {
    journal.ORDER_PLACED: "order_placed",
    journal.PAYMENT_CAPTURED: "payment_processed",
    journal.PAYMENT_DECLINED: "payment_processed",
    journal.PAYMENT_REFUNDED: "payment_processed",
}
"""Which signal an event is sent as."""

OWN_NAMESPACES: Final = {"product": frozenset({journal.PRODUCT_CHANGED})}
"""What the core's own caches have to hear of, even where no plugin warms them."""

_STAFF: Final = "staff"
_DECIDED: Final = frozenset({Because.ALLOW_LIST, Because.SANDBOX})


def fan_out_events(*, plugins: Registry, limit: int = 100) -> int:
    """Make the deliveries of up to `limit` events of the tenant at hand; return how many events.

    Who hears of an event is decided here, once: plugins whose switch is on at this moment, read in
    the same transaction; those whose code is missing, or of whom this relay hasn't heard yet, from
    their rows. An event that another relay holds is left to it.
    """
    with transaction.atomic(durable=True):
        rows = list(
            Event.objects.select_for_update(skip_locked=True)
            .filter(fanned_out=False)
            .order_by("id")[:limit]
        )
        if not rows:
            return 0
        receivers = _Receivers.read(rows, plugins)
        deliveries = [delivery for row in rows for delivery in receivers.of(row)]
        Delivery.objects.bulk_create(deliveries, ignore_conflicts=True)
        Event.objects.filter(pk__in=[row.pk for row in rows]).update(fanned_out=True)
    return len(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Receivers:
    """Who hears of what, read once for a batch of events."""

    tells: Mapping[str, Sequence[str]]
    warms: Mapping[str, Sequence[tuple[str, str]]]
    subscriptions: Mapping[str, Sequence[Subscription]]
    channels: Mapping[str, tuple[str, str]]
    orders: Mapping[UUID, Order]

    @classmethod
    def read(cls, rows: Sequence[Event], plugins: Registry) -> _Receivers:
        switches = read_switches(tenant().slug)
        off = switches.why_off.keys()
        tells = {
            kind: [one.plugin for one in plugins.tells.get(kind, ()) if one.plugin not in off]
            for kind in TELLS
        }
        channels = {
            code: (one.plugin, one.info.address)
            for code, one in plugins.channels.items()
            if one.plugin not in off
        }
        for row in _absent(plugins, switches):
            for kind in TELLS.intersection(row.tells):
                if row.name not in tells[kind]:
                    tells[kind].append(row.name)
            for code in row.channels:
                channels.setdefault(code, (row.name, "email"))
        orders = Order.objects.filter(pk__in={row.order_id for row in rows if row.order_id})
        return cls(
            tells=tells,
            warms=_warms(plugins, off),
            subscriptions=_subscriptions(plugins),
            channels=channels,
            orders={order.id: order for order in orders.only("contact", "notify")},
        )

    def of(self, row: Event) -> Iterator[Delivery]:
        """Yield one delivery per receiver of an event."""
        for plugin in self.tells.get(row.kind, ()):
            yield _delivery(row, f"tell:{plugin}", plugin)
        if row.kind in SIGNALS:
            yield _delivery(row, f"signal:{SIGNALS[row.kind]}", "")
        for namespace, plugin in self.warms.get(row.kind, ()):
            yield _delivery(row, f"warm:{namespace}", plugin)
        yield from self._messages(row)

    def _messages(self, row: Event) -> Iterator[Delivery]:
        order = self.orders.get(row.order_id) if row.order_id else None
        if order is None or not order.notify:
            return
        for subscription in self.subscriptions.get(row.kind, ()):
            plugin, kind = self.channels.get(subscription.channel, ("", ""))
            recipients = _recipients(order, kind, subscription.audience) if plugin else []
            if plugin and not recipients:
                log.warning(
                    "message.nobody",
                    about=str(row.id),
                    channel=subscription.channel,
                    audience=subscription.audience,
                    address=kind,
                )
            for recipient in recipients:
                digest = hashlib.sha256(recipient["address"].encode()).hexdigest()[:16]
                yield _delivery(
                    row,
                    f"message:{subscription.channel}:{subscription.id}:{digest}",
                    plugin,
                    channel=subscription.channel,
                    recipient=recipient,
                    template=subscription.template,
                )


def _delivery(row: Event, receiver: str, plugin: str, **more: Any) -> Delivery:
    return Delivery(
        tenant_id=row.tenant_id,
        event_id=row.id,
        receiver=receiver,
        plugin=plugin,
        due_at=Now(),
        **more,
    )


def _absent(plugins: Registry, switches: Switches) -> list[Plugin]:
    """Return the rows of plugins that are on, but offer nothing here at the moment.

    To be absent from the allow list is somebody's decision; the rest will be back.
    """
    views = {view.name: view for view in plugins.plugins}
    return [
        row
        for row in wanted(Plugin.objects.order_by("name"), switches)
        if (view := views.get(row.name)) is None
        or (view.why not in _DECIDED and view.state is not State.ENABLED)
    ]


def _warms(plugins: Registry, off: Collection[str]) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {kind: [] for kind in TELLS}
    for namespace, kinds in OWN_NAMESPACES.items():
        for kind in kinds:
            found[kind].append((namespace, ""))
    for namespace, warmer in plugins.warmers.items():
        for kind in TELLS & warmer.info.depends_on:
            if (namespace, "") not in found[kind] and warmer.plugin not in off:
                found[kind].append((namespace, warmer.plugin))
    return found


def _subscriptions(plugins: Registry) -> dict[str, list[Subscription]]:
    """Return the active ones by event; what a channel suggests is written down the first time."""
    rows = list(Subscription.objects.all())
    known = {(row.event, row.audience, row.channel) for row in rows}
    suggested = [
        Subscription(
            tenant_id=tenant().id,
            event=one.event,
            audience=one.audience,
            channel=code,
            template=one.template,
        )
        for code, channel in plugins.channels.items()
        for one in channel.info.subscriptions
        if (one.event, one.audience, code) not in known
    ]
    if suggested:
        Subscription.objects.bulk_create(suggested, ignore_conflicts=True)
        rows = list(Subscription.objects.all())
    found: dict[str, list[Subscription]] = {}
    for row in rows:
        if row.active:
            found.setdefault(row.event, []).append(row)
    return found


def _recipients(order: Order, kind: str, audience: str) -> list[dict[str, str]]:
    """Return whom a channel of this kind of address reaches: the customer, or the shop's staff."""
    if kind != "email":
        return []
    if audience == _STAFF:
        return [_person({"email": address}) for address in conf().staff]
    return [_person(order.contact)] if order.contact.get("email") else []


def _person(contact: Mapping[str, Any]) -> dict[str, str]:
    return {
        "address": contact["email"],
        "name": contact.get("name", ""),
        "locale": contact.get("locale", "en"),
        "time_zone": contact.get("time_zone", "UTC"),
    }

"""Plan to uninstall a plugin: what of it is open, what stays behind, and what to run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.db.models import Count, Q, QuerySet

from core.domain.errors import NotFound
from core.domain.lifecycle import LIVE, UNDECIDED, DeliveryStatus, InboxStatus
from core.hooks.registry import Registry
from core.hooks.states import Code, PluginView, Switch
from core.infrastructure.tables import tables_of
from core.models import Delivery, InboxEntry, Operation, Payment, WebhookEndpoint

__all__ = ["Left", "OpenPayment", "UninstallPlan", "own_tables", "plan_uninstall"]

_WAITING: Final = ("APPROVED", "PROCESSING", "AUTHORIZED", "PARTIALLY_CAPTURED")
_REFUNDABLE: Final = ("CAPTURED", "PARTIALLY_CAPTURED", "PARTIALLY_REFUNDED")
_MOST: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPayment:
    """A payment that only this plugin can finish."""

    tenant: str
    order_number: str
    payment_id: str
    status: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Rows of one kind: how many, and what they are."""

    name: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UninstallPlan:
    """What uninstalling would meet. Counts are over all tenants.

    `payments` shows the first hundred of `open_payments`. `pricing` says that every quote would
    refuse. `consequences` say what will happen, `steps` what to run, in order.
    """

    plugin: PluginView
    package: str
    open_payments: int
    payments: tuple[OpenPayment, ...]
    undecided: int
    refundable: int
    undelivered: int
    dead_letters: int
    webhooks_kept: int
    endpoints: int
    jobs: tuple[str, ...]
    tables: tuple[Left, ...]
    settings: tuple[str, ...]
    pricing: bool
    consequences: tuple[str, ...]
    steps: tuple[str, ...]

    @property
    def is_open(self) -> bool:
        """Whether anything waits for this plugin."""
        return bool(
            self.open_payments
            or self.undelivered
            or self.dead_letters
            or self.webhooks_kept
            or self.pricing
        )


def plan_uninstall(name: str, *, plugins: Registry) -> UninstallPlan:
    """Look at all that a plugin would leave behind, whether its package is still there or not.

    Raises:
        NotFound: nobody has ever heard of such a plugin.

    """
    view = plugins.plugin(name)
    if view is None:
        raise NotFound(f"There is no plugin {name}.")
    payments = Payment.objects.across_tenants().filter(plugin=name)
    opened = payments.filter(
        Q(status__in=_WAITING) | Q(operations__status__in=sorted(LIVE))
    ).distinct()
    operations = Operation.objects.across_tenants().filter(payment__plugin=name)
    waiting = _undelivered(name)
    kept = InboxEntry.objects.across_tenants().filter(plugin=name, status=InboxStatus.STORED)
    found = UninstallPlan(
        plugin=view,
        package=_package_of(view),
        open_payments=opened.count(),
        payments=_shown(opened),
        undecided=operations.filter(status__in=sorted(UNDECIDED)).count(),
        refundable=payments.filter(status__in=_REFUNDABLE).count(),
        undelivered=waiting.get(DeliveryStatus.PENDING, 0),
        dead_letters=waiting.get(DeliveryStatus.DEAD, 0),
        webhooks_kept=kept.count(),
        endpoints=WebhookEndpoint.objects.across_tenants().filter(plugin=name).count(),
        jobs=_jobs(name, plugins, operations.filter(due_at__isnull=False).count()),
        tables=tuple(
            Left(name=table, rows=rows) for table, rows in own_tables(view, plugins).items()
        ),
        settings=_set(name, plugins),
        pricing=view.prices and view.switch is Switch.ON,
        consequences=(),
        steps=_steps(view),
    )
    return _told(found)


def _shown(payments: QuerySet[Payment]) -> tuple[OpenPayment, ...]:
    rows = payments.select_related("order", "tenant").defer("order__receipt", "order__contact")
    return tuple(
        OpenPayment(
            tenant=row.tenant.slug,
            order_number=row.order.number,
            payment_id=str(row.id),
            status=row.status,
            created_at=row.created_at,
        )
        for row in rows.order_by("created_at", "id")[:_MOST]
    )


def _undelivered(name: str) -> dict[str, int]:
    undone = Delivery.objects.across_tenants().filter(plugin=name)
    undone = undone.exclude(status=DeliveryStatus.DONE)
    return dict(undone.values_list("status").annotate(Count("pk")).order_by())


def _set(name: str, plugins: Registry) -> tuple[str, ...]:
    shown = plugins.settings_sources.get(name, ())
    return tuple(f"{each.name} ({each.source})" for each in shown if each.given)


def own_tables(view: PluginView, plugins: Registry) -> dict[str, int]:
    """Return a plugin's tables and their rows, not those of another whose name begins like it."""
    package = _package_of(view)
    others = [_package_of(each) for each in plugins.plugins if each.name != view.name]
    longer = tuple(f"{other}_" for other in others if other.startswith(f"{package}_"))
    return {
        table: rows
        for table, rows in tables_of(package).items()
        if not table.startswith(longer or ("\0",))
    }


def _package_of(view: PluginView) -> str:
    """Return the import package of a plugin; of one that is gone, the name that ours have."""
    return view.manifest.package if view.manifest else view.name.replace("-", "_")


def _jobs(name: str, plugins: Registry, looked_up: int) -> tuple[str, ...]:
    warmed = [space for space, warmer in plugins.warmers.items() if warmer.plugin == name]
    said = [f"warms the cache {space}" for space in warmed]
    return (*said, *([f"{looked_up} look-ups of payments"] if looked_up else []))


def _steps(view: PluginView) -> tuple[str, ...]:
    if view.code is Code.MISSING:
        return (f"pip install {view.distribution}", "restart the processes")
    on = view.switch is Switch.ON
    return (
        *([f"manage.py plugins disable {view.name}"] if on else []),
        f"manage.py plugins drain {view.name}",
        f"manage.py plugins uninstall {view.name} --plan --export FOLDER",
        f"pip uninstall {view.distribution}",
        "restart the processes",
    )


def _told(plan: UninstallPlan) -> UninstallPlan:
    """Say it in words: only what concerns this plugin."""
    distribution = plan.plugin.distribution
    said = (
        (plan.open_payments, f"{plan.open_payments} open payments wait until it is back"),
        (
            plan.open_payments or plan.refundable,
            f"captures, voids, refunds and look-ups answer 409, naming {distribution}",
        ),
        (plan.refundable, f"{plan.refundable} payments could not be refunded"),
        (plan.undelivered, f"{plan.undelivered} messages and events for it wait"),
        (plan.dead_letters, f"{plan.dead_letters} of its dead letters could not be sent again"),
        (plan.endpoints, "webhooks for it are kept raw and answered 503"),
        (
            plan.pricing,
            "every quote refuses (PRICING_UNAVAILABLE) until it is switched off or back",
        ),
        (plan.tables, "its tables stay as they are"),
        (True, "orders, pages and exports show what was true of it, and a re-install goes on"),
    )
    return replace(plan, consequences=tuple(text for holds, text in said if holds))

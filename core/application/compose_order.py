"""Compose an order as far as its price: read the shelf, prepare the rules, ask them, add up."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from core.conf import conf
from core.context import tenant
from core.domain.coupons import (
    CouponRead,
    CouponUnknown,
    check_usable,
    fingerprint,
    normal_code,
)
from core.domain.errors import (
    PricingUnavailable,
    RuleFailedError,
    TermsNotAllowed,
    UnknownCustomer,
    UnknownStrategy,
)
from core.domain.lines import Shelved, Wanted
from core.domain.order import OrderDraft
from core.domain.pricing import TaxRounding, compose
from core.domain.receipt import Priced
from core.domain.shadow import shadowed
from core.hooks.offered import OfferedRule, OfferedTax
from core.hooks.registry import Registry
from core.infrastructure.outside import close_connections, in_transaction
from core.models import Coupon
from core.models import Customer as CustomerRow
from core.models.catalogue import read_shelf
from hookspecs import Address, Call, Customer, Quote, ShippingChoice


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """What somebody wants to buy, before it is known what it costs.

    ``terms`` of the order and of its lines are agreed prices: without ``terms_allowed`` they are
    refused. ``customer_ref`` names a registered customer; ``contact`` is what an order keeps.
    """

    lines: tuple[Wanted, ...]
    currency: str | None = None
    terms: Mapping[str, str] = field(default_factory=dict)
    terms_allowed: bool = False
    customer_ref: str | None = None
    contact: Customer | None = None
    bill_to: Address | None = None
    ship_to: Address | None = None
    coupons: frozenset[str] = frozenset()
    shipping_method: str | None = None
    payment_strategy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """An order composed and priced, still a draft; `coupons` are those that were given."""

    draft: OrderDraft
    shelf: Mapping[str, Shelved]
    priced: Priced
    customer: Customer | None
    customer_id: Any
    coupons: Mapping[str, CouponRead]
    shipping_choices: tuple[ShippingChoice, ...] = ()


def compose_order(
    composition: Composition, *, plugins: Registry, now: datetime, check_stock: bool = True
) -> Composed:
    """Price what somebody wants; nothing is written and nothing reserved.

    Raises:
        Refusal: whatever the draft, its products, its coupons or its customer make impossible.
        PricingUnavailable: a plugin whose rules count is gone; it is named.
        RuleFailedError: a mandatory rule broke its contract.
    """
    refuse_gone_pricing(plugins)
    _refuse_unknown_strategy(composition.payment_strategy, plugins)
    draft = OrderDraft.of(
        currency=composition.currency or conf().currency,
        wanted=composition.lines,
        terms=composition.terms,
    )
    if draft.has_terms and not composition.terms_allowed:
        raise TermsNotAllowed("Agreed prices can only be set by staff or by an import.")
    customer, customer_id = _customer(composition)
    coupons = usable_coupons(composition.coupons, customer, now=now)
    shelf = read_shelf(tenant_id=tenant().id, units=draft.units(), currency=draft.currency, now=now)
    quote = draft.quote(
        shelf=shelf,
        tenant=tenant().slug,
        now=now,
        customer=customer,
        prices_include_tax=conf().prices_include_tax,
        coupons=frozenset(coupons),
        shipping_method=composition.shipping_method,
        payment_strategy=composition.payment_strategy,
        ship_to=composition.ship_to,
        check_stock=check_stock,
    )
    priced = _priced(quote, plugins)
    return Composed(
        draft=draft,
        shelf=shelf,
        priced=priced,
        customer=customer,
        customer_id=customer_id,
        coupons=coupons,
    )


def usable_coupons(
    given: Collection[str], customer: Customer | None, *, now: datetime
) -> dict[str, CouponRead]:
    """Read the coupons that were given, by code; without any, nothing is read.

    Raises:
        CouponRefused: one of them can't be used.
    """
    codes = {normal_code(code) for code in given} - {""}
    if not codes:
        return {}
    found = Coupon.objects.readable(codes, fingerprint(customer))
    for code in sorted(codes):
        if code not in found:
            raise CouponUnknown(f"There is no code {code}.", coupon=code)
        check_usable(found[code], now=now)
    return found


def refuse_gone_pricing(plugins: Registry) -> None:
    """Refuse to quote while a plugin that prices is gone.

    Raises:
        PricingUnavailable: names the plugin.
    """
    if plugins.pricing_gone:
        name = plugins.pricing_gone[0]
        view = plugins.plugin(name)
        why = f": {view.why}" if view and view.why else ""
        raise PricingUnavailable(
            f"Nothing can be priced while {name} is out of order{why}.",
            plugin=name,
            plugins=list(plugins.pricing_gone),
        )


def _refuse_unknown_strategy(code: str | None, plugins: Registry) -> None:
    if code is not None and code not in plugins.strategies:
        raise UnknownStrategy(f"There is no way to pay called {code}.", strategy=code)


def _priced(quote: Quote, plugins: Registry) -> Priced:
    """Ask the rules, in our own thread: what they leave open there would swallow the order.

    Raises:
        RuleFailedError: one began a transaction and didn't end it.
    """
    was_inside = in_transaction()
    priced = _asked(quote, plugins)
    if in_transaction() and not was_inside:
        close_connections()
        names = ", ".join(sorted({rule.plugin for rule in (*plugins.rules, *plugins.taxes)}))
        raise RuleFailedError(f"A rule left a transaction open: it is one of {names}.", rule="")
    return priced


def _asked(quote: Quote, plugins: Registry) -> Priced:
    rounding = TaxRounding(conf().tax_rounding)
    prepared = _prepared(quote, (*plugins.rules, *plugins.taxes))
    priced = compose(
        quote=quote,
        rules=plugins.rules,
        taxes=plugins.taxes,
        prepared=prepared,
        tax_rounding=rounding,
    )
    if not plugins.shadow_rules and not plugins.shadow_taxes:
        return priced
    shadow = shadowed(
        quote=quote,
        rules=plugins.rules,
        taxes=plugins.taxes,
        shadow_rules=plugins.shadow_rules,
        shadow_taxes=plugins.shadow_taxes,
        prepared=prepared | _prepared(quote, (*plugins.shadow_rules, *plugins.shadow_taxes)),
        tax_rounding=rounding,
    )
    return replace(priced, shadow=shadow)


def _prepared(
    quote: Quote, asked: Iterable[OfferedRule | OfferedTax]
) -> dict[str, Mapping[str, Any]]:
    """Let the rules that need rows of their own fetch them, once, before any transaction."""
    prepared: dict[str, Mapping[str, Any]] = {}
    for rule in asked:
        if rule.prepare is not None:
            call = Call(deadline=time.monotonic() + conf().deadline("PREPARE"))
            prepared[rule.info.key] = rule.prepare(quote, call)
    return prepared


def _customer(composition: Composition) -> tuple[Customer | None, Any]:
    if composition.customer_ref is None:
        return composition.contact, None
    row = CustomerRow.objects.filter(ref=composition.customer_ref).first()
    if row is None:
        raise UnknownCustomer(
            f"There is no customer {composition.customer_ref}.", ref=composition.customer_ref
        )
    given = composition.contact
    return Customer(
        ref=row.ref,
        email=(given.email if given else "") or row.email,
        name=(given.name if given else "") or row.name,
        locale=row.locale,
        time_zone=row.time_zone,
        groups=frozenset(row.groups),
    ), row.id

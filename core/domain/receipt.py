"""What came of pricing an order: its lines, its sums, and the receipt that says why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hookspecs import Address, Adjustment, Customer, Quote, QuoteLine, Tax

TAX_PHASE = "TAX"
FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What became of one rule, applied or not. Amounts in minor units.

    `proposed_minor` and `accepted_minor` are signed; they differ by what a floor cut off, or
    wholly if the rule lost. `mode` is the group's. In the phase TAX `accepted_minor` is the tax of that rule: it joins
    `running_minor` only where prices exclude tax.
    """

    phase: str
    group: str
    mode: str
    rule: str
    plugin: str
    version: str
    label: str
    applied: bool
    reason: str
    proposed_minor: int
    accepted_minor: int
    running_minor: int
    proposals: tuple[Adjustment | Tax, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedLine:
    """What a line costs in minor units; `total_minor` includes tax exactly if prices do."""

    line_id: str
    adjustment_minor: int
    tax_minor: int
    total_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """A priced order. `lines` stand in the order of `quote.lines`; amounts in minor units.

    goods + shipping + fees + rounding, and tax where prices exclude it, is the total.
    """

    start: Quote
    quote: Quote
    lines: tuple[PricedLine, ...]
    goods_minor: int
    shipping_minor: int
    fees_minor: int
    tax_minor: int
    rounding_minor: int
    total_minor: int
    prices_include_tax: bool
    tax_rounding: str
    steps: tuple[Step, ...]
    coupons: tuple[str, ...]
    prepared: dict[str, Any]

    def receipt(self) -> dict[str, Any]:
        """Return all that is needed to explain and to replay the price, ready for JSON.

        Names, e-mail and street stay out: the order keeps those once, and no sum needs them.
        """
        return {
            "format": FORMAT,
            "quote": _quote_data(self.start),
            "prepared": self.prepared,
            "tax_rounding": self.tax_rounding,
            "steps": [_step_data(step) for step in self.steps],
            "lines": [
                [line.line_id, line.adjustment_minor, line.tax_minor, line.total_minor]
                for line in self.lines
            ],
            "goods_minor": self.goods_minor,
            "shipping_minor": self.shipping_minor,
            "fees_minor": self.fees_minor,
            "tax_minor": self.tax_minor,
            "rounding_minor": self.rounding_minor,
            "total_minor": self.total_minor,
            "coupons": list(self.coupons),
        }


def _step_data(step: Step) -> dict[str, Any]:
    return {
        "phase": step.phase,
        "group": step.group,
        "mode": step.mode,
        "rule": step.rule,
        "plugin": step.plugin,
        "version": step.version,
        "label": step.label,
        "applied": step.applied,
        "reason": step.reason,
        "proposed_minor": step.proposed_minor,
        "accepted_minor": step.accepted_minor,
        "running_minor": step.running_minor,
        "proposals": [_proposal_data(proposal) for proposal in step.proposals],
    }


def _proposal_data(proposal: Adjustment | Tax) -> list[Any]:
    if isinstance(proposal, Tax):
        return [str(proposal.target), str(proposal.rate), proposal.code]
    return [str(proposal.target), proposal.amount.minor, proposal.reason, proposal.coupon]


def _quote_data(quote: Quote) -> dict[str, Any]:
    return {
        "tenant": quote.tenant,
        "currency": quote.currency,
        "now": quote.now.isoformat(),
        "lines": [_line_data(line) for line in quote.lines],
        "customer": None if quote.customer is None else _customer_data(quote.customer),
        "shipping_minor": quote.shipping.minor,
        "fees_minor": quote.fees.minor,
        "rounding_minor": quote.rounding.minor,
        "shipping_method": quote.shipping_method,
        "payment_strategy": quote.payment_strategy,
        "coupons": sorted(quote.coupons),
        "prices_include_tax": quote.prices_include_tax,
        "ship_to": None if quote.ship_to is None else _place_data(quote.ship_to),
    }


def _line_data(line: QuoteLine) -> dict[str, Any]:
    return {
        "line_id": line.line_id,
        "sku": line.sku,
        "quantity": line.quantity,
        "list_price_minor": line.list_price.minor,
        "amount_minor": line.amount.minor,
        "floor_minor": line.floor.minor,
        "tax_class": line.tax_class,
        "attributes": dict(line.attributes),
        "terms": dict(line.terms),
        "categories": sorted(line.categories),
    }


def _customer_data(customer: Customer) -> dict[str, Any]:
    return {
        "ref": customer.ref,
        "locale": customer.locale,
        "time_zone": customer.time_zone,
        "groups": sorted(customer.groups),
    }


def _place_data(address: Address) -> dict[str, Any]:
    return {
        "country": address.country,
        "region": address.region,
        "postal_code": address.postal_code,
        "city": address.city,
    }

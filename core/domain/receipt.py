"""What came of pricing an order: its lines, its sums, and the receipt that says why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from hookspecs import Address, Adjustment, Customer, Quote, QuoteLine, Tax

TAX_PHASE: Final = "TAX"
FORMAT: Final = 2
"""Rows of a stored receipt are lists without names: it is written with every order."""


class Step(NamedTuple):
    """What became of one rule, applied or not. Amounts in minor units.

    `proposed_minor` and `accepted_minor` are signed; they differ by what a floor cut off, or
    wholly if the rule lost. `mode` is the group's. In the phase TAX `accepted_minor` is the tax of
    that rule: it joins `running_minor` only where prices exclude tax. A named tuple, because a
    frozen dataclass costs five times as much, and every rule of every quote makes one.
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
class Shadow:
    """What shadow rules would have done: their steps, and the total in minor units.

    `failed` says what went wrong; there is no total then.
    """

    total_minor: int | None
    steps: tuple[Step, ...]
    failed: str = ""


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
    shadow: Shadow | None = None

    def receipt(self) -> dict[str, Any]:
        """Return all that is needed to explain and to replay the price, ready for JSON.

        Names, e-mail and street stay out: the order keeps those once, and no sum needs them.
        """
        receipt = {
            "format": FORMAT,
            "quote": _quote_data(self.start),
            "prepared": self.prepared,
            "tax_rounding": self.tax_rounding,
            "steps": _steps_data(self.steps),
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
        if self.shadow is not None:
            receipt["shadow"] = {
                "total_minor": self.shadow.total_minor,
                "steps": _steps_data(self.shadow.steps),
                "failed": self.shadow.failed,
            }
        return receipt


def _steps_data(steps: Iterable[Step]) -> list[list[Any]]:
    return [
        [*step[:-1], _proposals_data(step.proposals) if step.proposals else ()] for step in steps
    ]


def _proposals_data(proposals: Iterable[Adjustment | Tax]) -> list[list[Any]]:
    """Return what was proposed, one row per reason and coupon, or per rate: its targets follow."""
    rows: dict[tuple[str, str | None], list[Any]] = {}
    for proposal in proposals:
        if isinstance(proposal, Tax):
            rate = str(proposal.rate)
            row = rows.setdefault((proposal.code, rate), [proposal.code, rate])
            row.append(str(proposal.target))
        else:
            why, coupon = proposal.reason, proposal.coupon
            row = rows.setdefault((why, coupon), [why, coupon])
            row += (str(proposal.target), proposal.amount.minor)
    return list(rows.values())


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


def _line_data(line: QuoteLine) -> list[Any]:
    return [
        line.line_id,
        line.sku,
        line.quantity,
        line.list_price.minor,
        line.amount.minor,
        line.floor.minor,
        line.tax_class,
        sorted(line.categories),
        dict(line.attributes),
        dict(line.terms),
    ]


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

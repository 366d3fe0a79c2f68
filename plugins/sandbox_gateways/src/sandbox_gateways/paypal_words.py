"""How the PayPal shape writes amounts, moments and refusals."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox_gateways.ledger import Document, new_id

_NO_DECIMALS = frozenset({"HUF", "JPY", "TWD"})


class Refusal(Exception):  # noqa: N818 - a statement
    """A request that this provider refuses, in PayPal's words."""

    def __init__(self, issue: str, text: str = "", *, status: int = 422) -> None:
        super().__init__(issue)
        names = {404: "RESOURCE_NOT_FOUND", 400: "INVALID_REQUEST", 422: "UNPROCESSABLE_ENTITY"}
        self.status = status
        self.body = {
            "name": names.get(status, issue),
            "message": text or issue,
            "debug_id": new_id(""),
            "details": [{"issue": issue, "description": text or issue}],
            "links": [],
        }


def stamp() -> str:
    """Return the moment as PayPal writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def amount_of(value: Any) -> tuple[Decimal, str]:
    """Read ``{"currency_code", "value"}``; refuse what PayPal refuses."""
    try:
        currency, number = str(value["currency_code"]), Decimal(str(value["value"]))
    except (KeyError, TypeError, InvalidOperation) as error:
        raise Refusal("INVALID_PARAMETER_SYNTAX", "An amount is missing.", status=400) from error
    places = 0 if currency in _NO_DECIMALS else 2
    if number != round(number, places):
        raise Refusal("DECIMAL_PRECISION", "Too many decimals for this currency.")
    if number <= 0:
        raise Refusal("CANNOT_BE_ZERO_OR_NEGATIVE", "Must be greater than zero.")
    return number, currency


def amount_text(number: Decimal, currency: str) -> Document:
    """Write an amount as PayPal does."""
    places = 0 if currency in _NO_DECIMALS else 2
    return {"currency_code": currency, "value": f"{number:.{places}f}"}


class InstrumentDeclined(Exception):  # noqa: N818 - a statement
    """The buyer's way to pay was declined; unlike a refusal, the order remembers it."""

"""An amount reads two columns as one value."""

from __future__ import annotations

from core.models import Fact, Payment
from core.models.fields import Amount
from hookspecs import Money


def test_an_amount_is_the_minor_units_with_the_currency_beside_them() -> None:
    assert Payment(amount_minor=1999, currency="JPY").amount == Money(1999, "JPY")
    assert Fact(amount_minor=-5, currency="EUR").amount == Money(-5, "EUR")
    assert isinstance(Payment.amount, Amount)

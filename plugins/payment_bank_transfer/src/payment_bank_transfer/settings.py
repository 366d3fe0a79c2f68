"""The settings of this plugin."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hookspecs import Money, NotConfigured, setting
from payment_bank_transfer.reference import remainder


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Whose account money goes to, and how long there is to pay.

    Raises:
        NotConfigured: the account number's check digits don't fit, or a currency is none.
    """

    iban: str = setting(label="IBAN")
    account_holder: str = setting(label="Account holder")
    bic: str = setting(label="BIC", default="")
    label: str = setting(label="What customers read", default="Bank transfer")
    currencies: tuple[str, ...] = setting(
        label="Currencies", help="Of the account; none means any", default=()
    )
    days: int = setting(
        label="Days to pay", help="From when the order was placed", default=14, minimum=1
    )

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", self.account):
            raise NotConfigured("iban: two letters, two digits, and the rest of the number")
        if remainder(self.account) != 1:
            raise NotConfigured("iban: its check digits don't fit")
        if not self.account_holder.strip():
            raise NotConfigured("account_holder is empty")
        for code in self.currencies:
            try:
                Money(0, code)
            except ValueError as error:
                raise NotConfigured(f"currencies: {error}") from error

    @property
    def account(self) -> str:
        """The account's number without spaces."""
        return "".join(self.iban.split()).upper()

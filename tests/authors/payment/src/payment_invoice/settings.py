"""Whose account the money goes to, how long there is to pay, and who may say that it came."""

from __future__ import annotations

from dataclasses import dataclass

from hookspecs import Money, NotConfigured, Secret, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The account, the terms, and the key that the bookkeeping signs its news with."""

    account_holder: str = setting(label="Account holder")
    iban: str = setting(label="IBAN")
    key: Secret = setting(label="Key of the bookkeeping", help="It signs what it sends with this")
    days: int = setting(label="Days to pay", default=30, minimum=1)
    limit: Money = setting(label="Largest invoice", default=Money(100_000, "EUR"))

    def __post_init__(self) -> None:
        if len(self.key.reveal()) < 16:
            raise NotConfigured("key: give at least 16 characters")

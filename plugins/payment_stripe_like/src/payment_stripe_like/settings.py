"""The settings of this plugin."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from hookspecs import NotConfigured, Secret, setting

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Whose account money goes to, and how webhooks from it are recognised."""

    api_key: Secret = setting(label="Secret key", help="Starts with sk_ or rk_")
    webhook_secrets: tuple[Secret, ...] = setting(
        label="Webhook secrets",
        help="Start with whsec_; several while one is being replaced",
        default=(),
    )
    base: str = setting(label="Address", default="https://api.stripe.com", format="url")
    account: str = setting(
        label="Account", help="A name for the till; the same for every key of it", default=""
    )
    label: str = setting(label="What customers read", default="Card")
    statement_suffix: str = setting(
        label="On the bank statement", help="At most 22 letters", default=""
    )
    keys_kept: timedelta = setting(
        label="Keys honoured for", default=timedelta(hours=24), minimum=timedelta(0)
    )
    visible_after: timedelta = setting(
        label="A search is complete after",
        help="Stripe's search lags by a minute, rarely by an hour",
        default=timedelta(hours=1),
        minimum=timedelta(0),
    )

    check_after: timedelta = setting(
        label="What is under way is looked at after",
        default=timedelta(minutes=5),
        minimum=timedelta(0),
    )
    approval_lasts: timedelta = setting(
        label="A card page waits for", default=timedelta(hours=24), minimum=timedelta(0)
    )
    authorization_lasts: timedelta = setting(
        label="Authorisations last", default=timedelta(days=7), minimum=timedelta(0)
    )

    def __post_init__(self) -> None:
        parts = urlsplit(self.base)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise NotConfigured(f"base must be an https address, not {self.base!r}")
        if not self.api_key:
            raise NotConfigured("api_key is empty")
        if not re.fullmatch(r"[^<>\\'\"*]{0,22}", self.statement_suffix):
            raise NotConfigured("statement_suffix: at most 22 letters, none of <>\\'\"*")

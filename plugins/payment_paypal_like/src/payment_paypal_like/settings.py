"""The settings of this plugin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from hookspecs import NotConfigured, Secret, setting

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Whose account money goes to, and how webhooks from it are recognised."""

    client_id: str = setting(label="Client ID")
    client_secret: Secret = setting(label="Client secret")
    webhook_id: str = setting(
        label="Webhook ID",
        help="As PayPal shows it beside the webhook's address",
        default="",
    )
    base: str = setting(label="Address", default="https://api-m.paypal.com", format="url")
    merchant_id: str = setting(
        label="Merchant ID", help="Payments to any other are set aside", default=""
    )
    cert_hosts: tuple[str, ...] = setting(
        label="Hosts of certificates",
        help="Webhooks are believed only with a certificate from one of these",
        default=("api.paypal.com", "api-m.paypal.com"),
    )
    label: str = setting(label="What customers read", default="PayPal")
    brand_name: str = setting(label="Name on PayPal's page", default="")
    keys_kept: timedelta = setting(
        label="Keys honoured for", default=timedelta(hours=6), minimum=timedelta(0)
    )
    approval_lasts: timedelta = setting(
        label="Approvals wait for", default=timedelta(hours=3), minimum=timedelta(0)
    )

    authorization_lasts: timedelta = setting(
        label="Authorisations last", default=timedelta(days=29), minimum=timedelta(0)
    )
    check_after: timedelta = setting(
        label="What is under way is looked at after",
        default=timedelta(hours=1),
        minimum=timedelta(0),
    )

    def __post_init__(self) -> None:
        parts = urlsplit(self.base)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise NotConfigured(f"base must be an https address, not {self.base!r}")
        if not self.client_id or not self.client_secret:
            raise NotConfigured("client_id or client_secret is empty")

    @property
    def certificate_origins(self) -> frozenset[tuple[str, str]]:
        """Return the pinned origins (scheme, host and port) of certificates.

        A gateway on this computer, as the sandbox is, may bring its own.
        """
        pinned = {("https", host.lower()) for host in self.cert_hosts}
        parts = urlsplit(self.base)
        if parts.hostname in _LOOPBACK:
            pinned.add((parts.scheme, parts.netloc.lower()))
        return frozenset(pinned)

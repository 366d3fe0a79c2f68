"""Whether a webhook is PayPal's: RSA over id, time, webhook and checksum, by a pinned certificate."""

from __future__ import annotations

import base64
import importlib
import json
import zlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hookspecs import Call, Untrusted, Webhook
from payment_paypal_like.gateway import Gateway, origin_of
from payment_paypal_like.settings import Settings
from payment_paypal_like.wording import moment

_OLDEST = timedelta(days=4)
"""PayPal repeats a transmission, under its first time, for three days."""
_AHEAD = timedelta(seconds=300)


def verified(
    webhook: Webhook, settings: Settings, gateway: Gateway, call: Call
) -> Mapping[str, Any] | Untrusted:
    """Return the event once its signature holds.

    The certificate is fetched from pinned origins only, once; others are never connected to.

    Raises:
        GatewayError: the certificate can't be fetched now.
    """
    headers = webhook.headers
    transmission_id = headers.get("paypal-transmission-id", "")
    sent_at = headers.get("paypal-transmission-time", "")
    url = headers.get("paypal-cert-url", "")
    why = _implausible(webhook, settings)
    if why:
        return Untrusted(cause=why)
    text = f"{transmission_id}|{sent_at}|{settings.webhook_id}|{zlib.crc32(webhook.body)}"
    pem = gateway.certificate(url, call)
    signature = headers.get("paypal-transmission-sig", "")
    if not _holds(pem, signature, text.encode(), webhook):
        return Untrusted(cause="the signature doesn't hold")
    try:
        event = json.loads(webhook.body)
    except ValueError:
        event = None
    if not isinstance(event, dict) or not isinstance(event.get("id"), str):
        return Untrusted(cause="signed, but no event")
    return event


def _implausible(webhook: Webhook, settings: Settings) -> str:
    headers = webhook.headers
    if not settings.webhook_id:
        return "no webhook id is set"
    if headers.get("paypal-auth-algo") != "SHA256withRSA":
        return "signed by another algorithm, or not at all"
    if origin_of(headers.get("paypal-cert-url", "")) not in settings.certificate_origins:
        return "a certificate from elsewhere"
    sent_at = moment(headers.get("paypal-transmission-time"))
    if sent_at is None or sent_at.tzinfo is None:
        return "no time that can be read"
    if not -_AHEAD <= webhook.received_at - sent_at <= _OLDEST:
        return "sent at a time that can't be"
    return ""


def _holds(pem: bytes, signature: str, text: bytes, webhook: Webhook) -> bool:
    x509 = importlib.import_module("cryptography.x509")
    hazmat = "cryptography.hazmat.primitives"
    hashes = importlib.import_module(f"{hazmat}.hashes")
    padding = importlib.import_module(f"{hazmat}.asymmetric.padding")
    rsa = importlib.import_module(f"{hazmat}.asymmetric.rsa")
    wrong = importlib.import_module("cryptography.exceptions").InvalidSignature
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        key = certificate.public_key()
        valid = (
            certificate.not_valid_before_utc
            <= webhook.received_at
            <= certificate.not_valid_after_utc
        )
        if not valid or not isinstance(key, rsa.RSAPublicKey):
            return False
        given = base64.b64decode(signature, validate=True)
        key.verify(given, text, padding.PKCS1v15(), hashes.SHA256())
    except (wrong, ValueError):
        return False
    return True

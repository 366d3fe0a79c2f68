"""How the PayPal-shaped account signs its webhooks: RSA under a certificate it serves itself."""

from __future__ import annotations

import base64
import uuid
import zlib
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from sandbox_gateways.ledger import Ledger

WEBHOOK_ID = "WH-SANDBOX"
CERTIFICATE_PATH = "/v1/notifications/certs/CERT-sandbox"


def signed_text(transmission_id: str, sent_at: str, webhook_id: str, body: bytes) -> bytes:
    """Return what the signature is about."""
    return f"{transmission_id}|{sent_at}|{webhook_id}|{zlib.crc32(body)}".encode()


class PaypalSigner:
    """Holds the account's key and certificate, made at the first start and kept in the ledger."""

    def __init__(self, ledger: Ledger, *, base: str) -> None:
        kept = ledger.option("paypal_key")
        if kept is None:
            kept = _make_key_and_certificate()
            ledger.set_option("paypal_key", kept)
        self._key = serialization.load_pem_private_key(kept["key"].encode(), password=None)
        self.certificate: str = kept["certificate"]
        self._base = base

    def sign(self, body: bytes) -> dict[str, str]:
        """Return the headers of a webhook."""
        transmission_id = str(uuid.uuid4())
        sent_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        text = signed_text(transmission_id, sent_at, WEBHOOK_ID, body)
        if not isinstance(self._key, rsa.RSAPrivateKey):
            raise TypeError("the ledger holds a key that isn't RSA")
        signature = self._key.sign(text, padding.PKCS1v15(), hashes.SHA256())
        return {
            "PAYPAL-AUTH-ALGO": "SHA256withRSA",
            "PAYPAL-CERT-URL": self._base + CERTIFICATE_PATH,
            "PAYPAL-TRANSMISSION-ID": transmission_id,
            "PAYPAL-TRANSMISSION-SIG": base64.b64encode(signature).decode(),
            "PAYPAL-TRANSMISSION-TIME": sent_at,
        }

    def holds(self, *, transmission_id: str, sent_at: str, signature: str, body: bytes) -> bool:
        """Say whether a signature is ours."""
        if not isinstance(self._key, rsa.RSAPrivateKey):
            return False
        text = signed_text(transmission_id, sent_at, WEBHOOK_ID, body)
        try:
            self._key.public_key().verify(
                base64.b64decode(signature), text, padding.PKCS1v15(), hashes.SHA256()
            )
        except (InvalidSignature, ValueError):
            return False
        return True


def _make_key_and_certificate() -> dict[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "messageverificationcerts.sandbox")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    return {
        "key": key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
        "certificate": certificate.public_bytes(serialization.Encoding.PEM).decode(),
    }

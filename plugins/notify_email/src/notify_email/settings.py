"""Whom the mails come from."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hookspecs import NotConfigured, setting

_DOMAIN = re.compile(
    r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Sender, reply address and the domain of our Message-IDs. The server is Django's EMAIL_URL.

    Raises:
        NotConfigured: the domain is none, or a line break hides in one of the texts.

    """

    sender: str = setting(
        label="Sender",
        help="An address, with a name if you like; empty: Django's DEFAULT_FROM_EMAIL",
        default="",
    )
    reply_to: str = setting(label="Replies go to", help="Empty: to the sender", default="")
    domain: str = setting(
        label="Domain of Message-IDs",
        help="A domain of your own, which never changes; empty: the sender's",
        default="",
    )
    shop: str = setting(label="Name of the shop", help="Stands above each mail", default="")
    footer: str = setting(label="Footer", help="Who you are: name, address, register", default="")

    def __post_init__(self) -> None:
        if self.domain and not _DOMAIN.fullmatch(self.domain):
            raise NotConfigured(f"domain is {self.domain!r}: expected one such as shop.example")
        for name in ("sender", "reply_to", "shop"):
            if any(ord(sign) < 32 for sign in getattr(self, name)):
                raise NotConfigured(f"{name} holds a line break or another control character")

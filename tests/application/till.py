"""A way to pay with settings of its own, written as an installed package, for tests of switches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.application.plugin_states import read_states
from core.hooks.build import build
from core.hooks.registry import Registry
from core.hooks.settings import GivenSettings
from core.models.plugin import PluginGeneration
from tests.hooks.gallery import Gallery

SETTINGS = """
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from hookspecs import Money, NotConfigured, Secret, setting

class Speed(StrEnum):
    SLOW = "SLOW"
    FAST = "FAST"

@dataclass(frozen=True, kw_only=True)
class Sender:
    name: str = setting(label="Name")
    token: Secret | None = setting(label="Token", default=None)

@dataclass(frozen=True, kw_only=True)
class Settings:
    api_key: Secret = setting(label="API key", help="Starts with sk_")
    account: str = setting(label="Account", default="main")
    port: int = setting(label="Port", default=25, minimum=1, maximum=65535)
    base: str = setting(label="Address", default="https://till.example", format="url")
    speed: Speed = setting(label="Speed", default=Speed.SLOW)
    patience: timedelta = setting(label="Patience", default=timedelta(seconds=3))
    keys: tuple[Secret, ...] = setting(label="Keys", default=())
    sender: Sender | None = setting(label="Sender", default=None)

    def __post_init__(self):
        if not self.api_key.reveal().startswith("sk_"):
            raise NotConfigured("api_key has to start with sk_")
"""
PLUGIN = """
class Till:
    def __init__(self, settings):
        self.settings = settings
        self.info = PaymentInfo(code="till", label="Till", account=settings.account)
    def start(self, request, call):
        return Done(reference=self.settings.api_key.reveal())
    def refund(self, request, call):
        return Done(reference=self.settings.api_key.reveal())
    def read_webhook(self, webhook, call):
        return Untrusted(cause=self.settings.account)
    def inquire(self, request, call):
        return NotFound()

@hookimpl
def payment_strategies(settings):
    asked.append(settings.account)
    return [Till(settings)]
asked = []
"""


class Tills:
    """Builds registries of one installation, as a worker would, from what the database says."""

    def __init__(self, folder: Path, **given: Any) -> None:
        """Take what `GivenSettings` takes: `environ` and `sections`."""
        gallery = Gallery(folder)
        gallery.add(
            "till",
            PLUGIN,
            hooks=("payment_strategies",),
            more='settings = "PACKAGE.settings:Settings"',
            files={"settings.py": SETTINGS},
        )
        gallery.add("plain", hooks=())
        self.gallery, self.loaded = gallery, gallery.load()
        self.given = GivenSettings(salt=b"salt", **given)

    def upgrade(self) -> None:
        """Install a version that wants to know one thing more, and start anew."""
        needs = '    region: str = setting(label="Region")'
        self.gallery.add(
            "till",
            PLUGIN,
            hooks=("payment_strategies",),
            more='settings = "PACKAGE.settings:Settings"',
            files={"settings.py": SETTINGS.replace("    account:", f"{needs}\n    account:")},
            package=f"till_upgraded_{self.gallery.folder.parent.name}",
        )
        self.loaded = self.gallery.load()

    def registry(self, tenant: str = "default") -> Registry:
        """Return what a worker that refreshes now would begin with."""
        row = PluginGeneration.objects.first()
        states = read_states(tenant, generation=row.generation if row else 0)
        return build(self.loaded, states, self.given, lambda report: None)

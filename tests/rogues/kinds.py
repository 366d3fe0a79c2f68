"""What a rogue's package looks like, by kind: everything is honest but the one method it is about."""

from __future__ import annotations

from dataclasses import dataclass, field
from textwrap import indent

HEAD = """\
import time
from datetime import timedelta
from decimal import Decimal, getcontext
from hookspecs import *
"""

PAYMENT = """
class Offer:
    info = PaymentInfo(code="{name}", label="Rogue")
    def start(self, request, call):
{start}
    def inquire(self, request, call):
{inquire}
    def refund(self, request, call):
{refund}
    def read_webhook(self, webhook, call):
{read_webhook}
    def statement(self, since, until, call):
{statement}

@hookimpl
def payment_strategies():
    return [Offer()]
"""

PRICING = """
class Offer:
    info = RuleInfo(key="{name}", label="Rogue", phase=Phase.LINE, optional={optional})
    def propose(self, quote):
{propose}
    def prepare(self, quote, call):
{prepare}

@hookimpl
def pricing_rules():
    return [Offer()]
"""

CHANNEL = """
class Offer:
    info = ChannelInfo(code="{name}", label="Rogue", address="email")
    def deliver(self, message, call):
{deliver}

@hookimpl
def notification_channels():
    return [Offer()]
"""

WARMER = """
class Offer:
    info = WarmerInfo(
        namespace="{name}", label="Rogue", depends_on=frozenset(), ttl=timedelta(minutes=1)
    )
    def plan(self, change, catalogue):
{plan}
    def load(self, keys, catalogue):
{load}

@hookimpl
def cache_warmers():
    return [Offer()]
"""

TELL = """
@hookimpl
def product_changed(event):
{product_changed}
"""

TEMPLATES = {
    "pay": (PAYMENT, "payment_strategies"),
    "price": (PRICING, "pricing_rules"),
    "mail": (CHANNEL, "notification_channels"),
    "warm": (WARMER, "cache_warmers"),
    "tell": (TELL, "product_changed"),
}

HONEST = {
    "start": "return Done(reference='r-1')",
    "inquire": "return NotFound()",
    "refund": "return Done()",
    "read_webhook": "return ()",
    "statement": "return ()",
    "propose": (
        "return [Adjustment(target=line.line_id, amount=Money(-1, quote.currency), reason='less')"
        " for line in quote.lines]"
    ),
    "prepare": "return {}",
    "deliver": "return Accepted(reference=message.id)",
    "plan": "return ['a']",
    "load": "return {key: key for key in keys}",
    "product_changed": "return None",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rogue:
    """A package that does one thing wrong, and what has to become of it.

    `method` is replaced by `body`, or the whole module by `module`. What is asked of it must end in
    a value or exception of the type `ends`, with `says` in it, within `within` seconds. Where
    `state` is given, that is how it stands once the shop has started, and `says` is why.
    """

    name: str
    method: str = ""
    body: str = ""
    module: str = ""
    act: str = ""
    """What is done in place of one plain call: see `acts.py`."""
    ends: str = ""
    says: str = ""
    within: float = 5.0
    state: str = "ENABLED"
    optional: bool = False
    hooks: tuple[str, ...] = ()
    api: str = ">=1.0,<2"
    more: str = ""
    files: dict[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Pay, price, mail, warm, tell: the first word of its name; or `start`."""
        return self.name.split("-")[1]

    @property
    def package(self) -> str:
        """The package that pip installs."""
        return self.name.replace("-", "_")

    def source(self) -> str:
        """Return its plugin module."""
        if self.module:
            return HEAD + self.module
        template, _ = TEMPLATES[self.kind]
        bodies = HONEST | ({self.method: self.body} if self.method else {})
        indented = {name: indent(body, " " * 8) for name, body in bodies.items()}
        return HEAD + template.format(name=self.name, optional=self.optional, **indented)

    def manifest(self) -> str:
        """Return its plugin.toml."""
        hooks = self.hooks or (TEMPLATES[self.kind][1],)
        listed = ", ".join(f'"{hook}"' for hook in hooks)
        return f'title = "{self.name}"\napi = "{self.api}"\nhooks = [{listed}]\n{self.more}\n'

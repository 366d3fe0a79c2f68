"""Render what a person is told: subject and text, in their language, time zone and currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.template import Context
from django.template.loader import select_template
from django.utils import formats, timezone, translation

from core.conf import conf
from core.context import tenant
from core.infrastructure.tokens import order_token
from core.models import Order
from hookspecs import Event, Message, Money, OrderEvent, PaymentEvent, Recipient

__all__ = ["RenderMessage", "render_message"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderMessage:
    """What to tell whom. `message_id` is stable: it is how a repeat is told from news."""

    message_id: str
    kind: str
    template: str
    event: Event
    to: Recipient


def render_message(command: RenderMessage) -> Message:
    """Render a message; the same command renders the same message.

    Templates are `orderloom/notify/<template>/<language>/{subject,text}.txt`, then the same without
    a language, which are in English. `docs/notifications.md` lists what they may use.

    Raises:
        TemplateDoesNotExist: there is no such template.
        TemplateSyntaxError: it can't be read.

    """
    language = _language(command.to.locale)
    with translation.override(language), timezone.override(_zone(command.to.time_zone)):
        context = _context(command)
        subject = _rendered(command.template, language, "subject.txt", context)
        text = _rendered(command.template, language, "text.txt", context)
    return Message(
        id=command.message_id,
        event=command.kind,
        tenant=tenant().slug,
        to=command.to,
        subject=" ".join(subject.split()),
        text=text.strip() + "\n",
        data=_data(command.event),
    )


def _rendered(template: str, language: str, name: str, context: Mapping[str, Any]) -> str:
    folder = f"orderloom/notify/{template}"
    found: Any = select_template([f"{folder}/{language}/{name}", f"{folder}/{name}"])
    # Plain text: names must not arrive as `O&#x27;Hara`.
    return str(found.template.render(Context(dict(context), autoescape=False)))


def _context(command: RenderMessage) -> dict[str, Any]:
    event = command.event
    context: dict[str, Any] = {"name": command.to.name, "reason": "", "amount": "", "link": ""}
    if isinstance(event, OrderEvent | PaymentEvent):
        order = event.order
        context |= {
            "number": order.number,
            "placed_at": formats.date_format(
                timezone.localtime(order.placed_at), "DATETIME_FORMAT"
            ),
            "lines": [
                {"quantity": line.quantity, "name": line.name, "total": _money(line.total)}
                for line in order.lines
            ],
            "shipping": _money(order.shipping) if order.shipping else "",
            "fees": _money(order.fees) if order.fees else "",
            "tax": _money(order.tax) if order.tax else "",
            "total": _money(order.total),
        }
        context["link"] = _link(order.number)
    if isinstance(event, OrderEvent):
        context["reason"] = event.reason.rstrip(".")
    if isinstance(event, PaymentEvent):
        context["amount"] = _money(event.amount)
    return context


def _link(number: str) -> str:
    """Return the address of the order's page, where somebody serves one and has said where."""
    template = conf().order_url
    if not template:
        return ""
    order_id = Order.objects.values_list("pk", flat=True).get(number=number)
    return template.format(
        public_url=conf().public_url, order_id=order_id, token=order_token(order_id)
    )


def _data(event: Event) -> dict[str, Any]:
    """Ids, codes and amounts, for channels that hand on data instead of words."""
    data: dict[str, Any] = {"event_id": event.id, "at": event.at.isoformat()}
    if isinstance(event, OrderEvent | PaymentEvent):
        data |= {
            "order": event.order.number,
            "total_minor": event.order.total.minor,
            "currency": event.order.total.currency,
        }
    if isinstance(event, PaymentEvent):
        data |= {"payment_id": event.payment_id, "amount_minor": event.amount.minor}
    return data


def _money(amount: Money) -> str:
    number = formats.number_format(
        amount.decimal,
        decimal_pos=Money.exponent(amount.currency),
        use_l10n=True,
        force_grouping=True,
    )
    return f"{number} {amount.currency}"


def _language(locale: str) -> str:
    """Return one of the shop's languages: the locale's own, or the shop's first choice."""
    wanted = locale.replace("_", "-").lower().partition("-")[0]
    known = {code for code, _ in settings.LANGUAGES}
    return wanted if wanted in known else settings.LANGUAGE_CODE


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")

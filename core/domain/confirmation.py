"""What a customer agrees to: the shown price as an opaque text, and what differs from it later."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import from_json, to_json

from core.domain.errors import InvalidInput
from core.domain.receipt import Priced

LONGEST: Final = 60_000
_MOST_LINES: Final = 1_000
_SUMS: Final = ("shipping_minor", "fees_minor", "tax_minor", "rounding_minor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """A price as it was shown, in minor units: by line, by rule, and the sums beside the goods."""

    currency: str
    total_minor: int
    lines: Mapping[str, int]
    rules: Mapping[str, int]
    sums: Mapping[str, int]


def confirmation_of(priced: Priced) -> str:
    """Return what is needed to tell later what has changed; it promises nothing to anybody."""
    shown = _shown(priced)
    said = [shown.currency, shown.total_minor, shown.lines, shown.rules, shown.sums]
    return urlsafe_b64encode(to_json(said)).decode().rstrip("=")


def read_confirmation(text: str) -> Confirmed:
    """Read it back.

    Raises:
        InvalidInput: it isn't what a quote gave.
    """
    try:
        currency, total, lines, rules, sums = _parsed(text)
        numbers = [total, *lines.values(), *rules.values(), *sums.values()]
        sound = isinstance(currency, str) and all(type(number) is int for number in numbers)
    except (ValueError, TypeError, AttributeError):
        sound = False
    if not sound:
        raise InvalidInput("This confirmation isn't what a quote gave.", field="confirmation")
    return Confirmed(currency=currency, total_minor=total, lines=lines, rules=rules, sums=sums)


def _parsed(text: str) -> Any:
    return from_json(urlsafe_b64decode(text[:LONGEST] + "=" * (-len(text) % 4)))


def changes(
    confirmed: Confirmed, priced: Priced, names: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """Yield what differs: lines, rules and sums, each as it was shown and as it is.

    Args:
        confirmed: the price that was shown.
        priced: the price as it is.
        names: what products are called, by sku.

    """
    now = _shown(priced)
    skus = {line.line_id: line.sku for line in priced.quote.lines}
    labels = {step.rule: step.label for step in priced.steps}
    for what, before, after in (
        ("line", confirmed.lines, now.lines),
        ("rule", confirmed.rules, now.rules),
        ("sum", confirmed.sums, now.sums),
    ):
        for key in (*before, *(key for key in after if key not in before)):
            was, is_now = before.get(key, 0), after.get(key, 0)
            if was != is_now:
                change: dict[str, Any] = {"what": what, "key": key}
                if what == "line" and key in skus:
                    change |= {"sku": skus[key], "name": names.get(skus[key], "")}
                if what == "rule" and key in labels:
                    change |= {"name": labels[key]}
                yield change | {"was_minor": was, "is_minor": is_now}


def _shown(priced: Priced) -> Confirmed:
    lines = priced.lines if len(priced.lines) <= _MOST_LINES else ()
    return Confirmed(
        currency=priced.quote.currency,
        total_minor=priced.total_minor,
        lines={line.line_id: line.total_minor for line in lines},
        rules={step.rule: step.accepted_minor for step in priced.steps if step.accepted_minor},
        sums={name.removesuffix("_minor"): getattr(priced, name) for name in _SUMS},
    )

"""Shadow rules: what a price would have been with them, while nothing comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.domain.errors import RuleFailedError
from core.domain.pricing import Asked, AskedForTax, TaxRounding, compose
from core.domain.receipt import Shadow
from hookspecs import Quote


def shadowed(
    *,
    quote: Quote,
    rules: Sequence[Asked],
    taxes: Sequence[AskedForTax],
    shadow_rules: Sequence[Asked],
    shadow_taxes: Sequence[AskedForTax],
    prepared: Mapping[str, Mapping[str, Any]],
    tax_rounding: TaxRounding,
) -> Shadow:
    """Compose once more as if the shadow rules counted, and keep what became of those.

    They stand where they would stand, so that groups decide as they would. Whatever goes wrong is
    part of the answer: a shadow never keeps anybody from buying.
    """
    try:
        would = compose(
            quote=quote,
            rules=[*rules, *shadow_rules],
            taxes=[*taxes, *shadow_taxes],
            prepared=prepared,
            tax_rounding=tax_rounding,
        )
    except (RuleFailedError, ValueError) as error:
        return Shadow(total_minor=None, steps=(), failed=str(error)[:300])
    plugins = {rule.plugin for rule in shadow_rules} | {tax.plugin for tax in shadow_taxes}
    steps = tuple(step for step in would.steps if step.plugin in plugins)
    return Shadow(total_minor=would.total_minor, steps=steps)

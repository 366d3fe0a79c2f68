"""Which pieces are free, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hookspecs import Adjustment, Money, Phase, Quote, QuoteLine, RuleInfo, Skip
from pricing_third_free.settings import Settings


class Rule:
    """Counts the pieces of a product over all lines; the free ones come off its first lines."""

    def __init__(self, settings: Settings) -> None:
        self._every = settings.every

    @property
    def info(self) -> RuleInfo:
        """What it is: a rule that changes lines."""
        return RuleInfo(
            key="every-third-free",
            label=f"One piece in {self._every} free",
            phase=Phase.LINE,
        )

    def propose(self, quote: Quote, /) -> Sequence[Adjustment] | Skip:
        """Propose to take the price of the free pieces off."""
        pieces = Counter[str]()
        for line in quote.lines:
            pieces[line.sku] += line.quantity
        left = {sku: count // self._every for sku, count in pieces.items()}
        proposed = []
        for line in quote.lines:
            free = min(left[line.sku], line.quantity)
            left[line.sku] -= free
            if free:
                proposed.append(_take_off(line, free))
        return proposed or Skip(reason=f"no product is there {self._every} times")


def _take_off(line: QuoteLine, free: int) -> Adjustment:
    value = Money(line.amount.minor * free // line.quantity, line.amount.currency)
    return Adjustment(target=line.line_id, amount=-value, reason=f"{free} of {line.quantity} free")

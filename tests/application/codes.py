"""Coupons for tests: codes made through the use case, and a rule that takes something off for one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from core.application.create_coupon import CreateCoupon, create_coupon
from core.models import Coupon, CouponUse
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Adjustment, Money, Phase, Quote, RuleInfo, Skip, Target


class ForACode:
    """Takes a tenth of a unit's hundred off an order for the code SPRING."""

    info = RuleInfo(key="for-a-code", label="For a code", phase=Phase.ORDER)

    def propose(self, quote: Quote, /) -> Sequence[Adjustment] | Skip:
        if "SPRING" not in quote.coupons:
            return Skip(reason="no code was given")
        off = Money(-10, quote.currency)
        return [Adjustment(target=Target.ORDER, amount=off, reason="spring", coupon="SPRING")]


WITH_CODES = registry_of(FakePlugin(name="codes", rules=(ForACode(),)))
SPRING = {"coupons": frozenset({" spring "})}


def a_code(code: str = "spring", *, now: datetime, **more: Any) -> None:
    create_coupon(CreateCoupon(code=code, **more), now=now)


def uses(code: str = "SPRING") -> tuple[int, int]:
    """Return what the counter says, and how many uses have rows that count."""
    live = CouponUse.objects.filter(coupon__code=code, given_back_at=None)
    return Coupon.objects.get(code=code).uses, live.count()

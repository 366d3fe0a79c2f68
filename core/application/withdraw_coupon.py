"""Withdraw a coupon: nobody can use it from now on; what was ordered with it stays."""

from __future__ import annotations

from datetime import datetime

from core.domain.coupons import normal_code
from core.domain.errors import NotFound, WrongState
from core.models import Coupon


def withdraw_coupon(*, code: str, now: datetime) -> None:
    """Withdraw a coupon.

    Raises:
        NotFound: there is no such code.
        WrongState: it is withdrawn already.
    """
    code = normal_code(code)
    if Coupon.objects.withdraw(code, now=now):
        return
    if not Coupon.objects.filter(code=code).exists():
        raise NotFound(f"There is no code {code}.")
    raise WrongState(f"The code {code} is withdrawn already.", status="withdrawn")

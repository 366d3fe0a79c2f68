"""Coupons: how a code is spelled, who counts as one customer, and when a code can be used.

CouponRefused                COUPON_REFUSED
├── CouponUnknown            COUPON_UNKNOWN
├── CouponNotYetValid        COUPON_NOT_YET_VALID
├── CouponExpired            COUPON_EXPIRED           or withdrawn
├── CouponUsedUp             COUPON_USED_UP           by all customers together
├── CouponUsedBefore         COUPON_USED_BEFORE       by this customer
└── CouponNeedsContact       COUPON_NEEDS_CONTACT     limited per customer, and nobody says who
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from core.domain.errors import Refusal
from hookspecs import Customer

LONGEST_CODE: Final = 40
NOBODY: Final = ""
"""The fingerprint of a customer of whom nothing is known."""


class CouponRefused(Refusal):
    """A code that can't be used; ``details["coupon"]`` is the code."""

    code = "COUPON_REFUSED"


class CouponUnknown(CouponRefused):
    """There is no such code."""

    code = "COUPON_UNKNOWN"


class CouponNotYetValid(CouponRefused):
    """The code begins later."""

    code = "COUPON_NOT_YET_VALID"


class CouponExpired(CouponRefused):
    """The code has ended, or was withdrawn."""

    code = "COUPON_EXPIRED"


class CouponUsedUp(CouponRefused):
    """The code was used as often as it may be in all."""

    code = "COUPON_USED_UP"


class CouponUsedBefore(CouponRefused):
    """This customer has used the code as often as one may."""

    code = "COUPON_USED_BEFORE"


class CouponNeedsContact(CouponRefused):
    """Uses per customer are limited, and the order doesn't say whose it is."""

    code = "COUPON_NEEDS_CONTACT"


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponRead:
    """A coupon as it was read for composing an order; `turns` are this customer's live uses.

    `most_uses` and `most_per_customer` are limits, None without one.
    """

    coupon_id: UUID
    code: str
    valid_from: datetime | None
    valid_until: datetime | None
    withdrawn: bool
    most_uses: int | None
    most_per_customer: int | None
    uses: int
    turns: Collection[int] = ()


def normal_code(text: str) -> str:
    """Return a code as it is stored and compared: case, width and space around it don't count."""
    return unicodedata.normalize("NFKC", text).strip().upper()


def fingerprint(customer: Customer | None) -> str:
    """Return what stands for a customer: of the e-mail if there is one, else of the ref."""
    if customer is None:
        return NOBODY
    email, ref = customer.email.strip().lower(), customer.ref
    known = f"mail:{email}" if email else f"ref:{ref}" if ref else ""
    return hashlib.sha256(known.encode()).hexdigest() if known else NOBODY


def check_usable(coupon: CouponRead, *, now: datetime) -> None:
    """Refuse a code that can't be used now, by anybody or by this customer.

    Raises:
        CouponNotYetValid, CouponExpired, CouponUsedUp, CouponUsedBefore: it can't.
    """
    said = {"coupon": coupon.code}
    if coupon.valid_from is not None and now < coupon.valid_from:
        raise CouponNotYetValid(f"The code {coupon.code} isn't valid yet.", **said)
    if coupon.withdrawn or (coupon.valid_until is not None and now >= coupon.valid_until):
        raise CouponExpired(f"The code {coupon.code} is no longer valid.", **said)
    if coupon.most_uses is not None and coupon.uses >= coupon.most_uses:
        raise CouponUsedUp(f"The code {coupon.code} is used up.", **said)
    if coupon.most_per_customer is not None and len(coupon.turns) >= coupon.most_per_customer:
        raise CouponUsedBefore(
            f"You have used the code {coupon.code} as often as one customer may.", **said
        )


def next_turn(coupon: CouponRead, who: str) -> int | None:
    """Return which of a customer's uses this one is, from 1; None where nobody counts them.

    Two orders that take the same turn collide in the database: that is what limits a customer.

    Raises:
        CouponNeedsContact: uses per customer are limited, and nobody says who this is.
    """
    if coupon.most_per_customer is None:
        return None
    if who == NOBODY:
        raise CouponNeedsContact(
            f"The code {coupon.code} needs an e-mail address.", coupon=coupon.code
        )
    return next(turn for turn in range(1, len(coupon.turns) + 2) if turn not in coupon.turns)

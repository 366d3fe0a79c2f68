"""Create a coupon: a code that a pricing rule may ask for, valid from now on or from later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from core.context import tenant
from core.domain.coupons import LONGEST_CODE, normal_code
from core.domain.errors import InvalidInput, NameTaken
from core.models import Coupon
from core.models.sheet import violated_rule


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCoupon:
    """A code, when it is valid, and how often it may be used in all and by one customer."""

    code: str
    note: str = ""
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    most_uses: int | None = None
    most_per_customer: int | None = None


def create_coupon(command: CreateCoupon, *, now: datetime) -> UUID:
    """Create a coupon and return its id.

    Raises:
        InvalidInput: no code or one nobody can type, an end before its beginning, a limit below 1.
        NameTaken: the code is in use, or was; codes aren't used twice, since orders name them.
    """
    code = normal_code(command.code)
    _check(code, command)
    coupon = Coupon(
        tenant_id=tenant().id,
        code=code,
        note=command.note,
        valid_from=command.valid_from,
        valid_until=command.valid_until,
        most_uses=command.most_uses,
        most_per_customer=command.most_per_customer,
        created_at=now,
    )
    try:
        with transaction.atomic(durable=True):
            coupon.save(force_insert=True)
    except IntegrityError as exc:
        if violated_rule(exc) != "coupon_code_unique":
            raise
        raise NameTaken(f"There is a code {code} already.", field="code") from exc
    return coupon.id


def _check(code: str, command: CreateCoupon) -> None:
    if not 1 <= len(code) <= LONGEST_CODE or not all(c.isalnum() or c in "._-" for c in code):
        raise InvalidInput(
            f"A code has 1 to {LONGEST_CODE} letters and digits; dots and dashes go as well.",
            field="code",
        )
    if len(command.note) > 200 or not command.note.isprintable():
        raise InvalidInput("A note has at most 200 printable characters.", field="note")
    for name in ("most_uses", "most_per_customer"):
        limit = getattr(command, name)
        if limit is not None and not 1 <= limit < 2**31:
            raise InvalidInput(f"A limit is at least 1, not {limit}.", field=name)
    begins, ends = command.valid_from, command.valid_until
    if begins is not None and ends is not None and ends <= begins:
        raise InvalidInput("A code ends after it begins.", field="valid_until")

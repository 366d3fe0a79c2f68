"""Coupons over the API: create, list and withdraw codes; to use one, an order names it."""
# ruff: noqa: ARG001 - ninja hands every view its request and path, asked for or not

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.http import HttpResponse
from django.utils import timezone
from ninja import Query, Router
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, Strict

from core.application.create_coupon import CreateCoupon, create_coupon
from core.application.read_coupons import read_coupons
from core.application.withdraw_coupon import withdraw_coupon
from core.domain.coupons import normal_code
from core.http.answers import reply
from core.http.auth import DoorRequest, Key
from core.http.schemas import Asked, Name, Word, refuse_unknown

router = Router(tags=["coupons"])

Moment = Annotated[AwareDatetime, Strict(strict=False)]
"""A moment as JSON has it: a text, with its time zone."""


class AskedCoupon(Asked):
    """A code, when it is valid, and how often it may be used in all and by one customer."""

    code: Word
    note: Name = ""
    valid_from: Moment | None = None
    valid_until: Moment | None = None
    most_uses: int | None = Field(default=None, ge=1, lt=2**31)
    most_per_customer: int | None = Field(default=None, ge=1, lt=2**31)


class AskedAfter(BaseModel):
    """Which page of codes: those after one, at most a hundred."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    after: Word = ""
    limit: int = Field(default=50, ge=1, le=100)


class CouponAnswer(BaseModel):
    """A code and how often it was used."""

    code: str
    note: str
    valid_from: datetime | None
    valid_until: datetime | None
    most_uses: int | None
    most_per_customer: int | None
    uses: int
    withdrawn: bool


class CouponPage(BaseModel):
    """Codes in their order; ``next`` goes into ``after`` for the next page, null at the end."""

    items: list[CouponAnswer]
    next: str | None


class CouponState(BaseModel):
    """A code, as it is compared, and whether it is withdrawn."""

    code: str
    withdrawn: bool


@router.get("/coupons", auth=Key("coupons:write"), response={200: CouponPage})
def coupons(request: DoorRequest, asked: Query[AskedAfter]) -> HttpResponse:
    """List codes, a page at a time, with how often each was used."""
    refuse_unknown(request, AskedAfter)
    found = read_coupons(after=asked.after, limit=asked.limit + 1)
    page = found[: asked.limit]
    return reply({"items": page, "next": page[-1]["code"] if len(found) > len(page) else None})


@router.post("/coupons", auth=Key("coupons:write"), response={201: CouponState})
def create(request: DoorRequest, asked: AskedCoupon) -> HttpResponse:
    """Create a code; what it is good for is a pricing rule's affair."""
    create_coupon(CreateCoupon(**dict(asked)), now=timezone.now())
    return reply({"code": normal_code(asked.code), "withdrawn": False}, status=201)


@router.post("/coupons/{code}/withdraw", auth=Key("coupons:write"), response={200: CouponState})
def withdraw(request: DoorRequest, code: str) -> HttpResponse:
    """Withdraw a code: nobody can use it from now on."""
    withdraw_coupon(code=code, now=timezone.now())
    return reply({"code": normal_code(code), "withdrawn": True})

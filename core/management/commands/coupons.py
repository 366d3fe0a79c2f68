"""Coupons: create a code, list them, withdraw one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from core.application.create_coupon import CreateCoupon, create_coupon
from core.application.read_coupons import read_coupons
from core.application.withdraw_coupon import withdraw_coupon
from core.domain.coupons import normal_code
from core.management.asking import AskingCommand, read_moment


class Command(AskingCommand):
    """`coupons create CODE …`, `coupons list`, `coupons withdraw CODE`."""

    help = "Create, list and withdraw coupons; what a code is good for says a pricing rule."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="a new code")
        create.add_argument("code", metavar="CODE", help="capitals and small letters are the same")
        create.add_argument("--from", dest="begins", type=read_moment, metavar="DAY", help="from")
        create.add_argument("--until", dest="ends", type=read_moment, metavar="DAY", help="before")
        create.add_argument("--uses", type=int, metavar="N", help="how often in all")
        create.add_argument("--per-customer", type=int, metavar="N", help="how often by one")
        create.add_argument("--note", default="", help="for the staff")
        withdraw = verbs.add_parser("withdraw", help="nobody can use a code from now on")
        withdraw.add_argument("code", metavar="CODE")
        for verb in (create, withdraw, verbs.add_parser("list", help="all codes and their uses")):
            self.shared(verb)

    def answer(self, options: dict[str, Any]) -> None:
        """Do what was asked for."""
        verbs = {"create": self._create, "list": self._list, "withdraw": self._withdraw}
        verbs[options["verb"]](options)

    def _create(self, options: dict[str, Any]) -> None:
        command = CreateCoupon(
            code=options["code"],
            note=options["note"],
            valid_from=options["begins"],
            valid_until=options["ends"],
            most_uses=options["uses"],
            most_per_customer=options["per_customer"],
        )
        create_coupon(command, now=timezone.now())
        code = normal_code(options["code"])
        self.say(options, {"code": code}, [f"Created: {code}"])

    def _withdraw(self, options: dict[str, Any]) -> None:
        withdraw_coupon(code=options["code"], now=timezone.now())
        self.say(options, {"withdrawn": True}, ["Withdrawn."])

    def _list(self, options: dict[str, Any]) -> None:
        rows: list[dict[str, Any]] = []
        while page := read_coupons(after=rows[-1]["code"] if rows else "", limit=500):
            rows += page
        self.say(options, rows, map(_line, rows))


def _line(row: Mapping[str, Any]) -> str:
    most = "" if row["most_uses"] is None else f" of {row['most_uses']}"
    until = f"  until {row['valid_until']:%Y-%m-%d}" if row["valid_until"] else ""
    state = "  withdrawn" if row["withdrawn"] else until
    return f"{row['code']:<24} used {row['uses']}{most}{state}"

"""Correct the stock of a product to what was counted, or book units in or out."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from core.application.correct_stock import CorrectStock, correct_stock
from core.application.receive_stock import ReceiveStock, receipt_under, receive_stock
from core.management.asking import AskingCommand


class Command(AskingCommand):
    """`correct_stock SKU --counted N|--received N --reason WHY [--key KEY]`."""

    help = "Correct a product's stock to what was counted, or book units in or (negative) out."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sku")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--counted", type=int, metavar="N", help="what lies on the shelf")
        what.add_argument("--received", type=int, metavar="N", help="what came, or went")
        parser.add_argument("--reason", required=True, help="why")
        parser.add_argument("--key", default="", help="the same key books once")
        self.shared(parser)

    def answer(self, options: dict[str, Any]) -> None:
        """Book it, and say what that changed."""
        sku, reason, now = options["sku"], options["reason"], timezone.now()
        key = f"command:{options['key'] or uuid.uuid4().hex}"
        if options["counted"] is not None:
            counted = CorrectStock(sku=sku, counted=options["counted"], reason=reason, key=key)
            new = correct_stock(counted, now=now)
        else:
            came = ReceiveStock(sku=sku, quantity=options["received"], reason=reason, key=key)
            new = receive_stock(came, now=now)
        receipt = receipt_under(key)
        told = {"sku": sku, "quantity": receipt.quantity, "counted": receipt.counted, "new": new}
        before = "" if new else " That was booked before."
        self.say(options, told, [f"{sku}: {receipt.quantity:+,} units.{before}"])

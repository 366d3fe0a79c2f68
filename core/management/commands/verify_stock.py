"""Verify that the stock counters are what orders and receipts say."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser

from core.application.verify_stock import verify_stock
from core.management.asking import AskingCommand


class Command(AskingCommand):
    """`verify_stock [--json]`."""

    help = "Compare stock with orders and receipts. Exit code 1 if they differ anywhere."

    def add_arguments(self, parser: CommandParser) -> None:
        self.shared(parser)

    def answer(self, options: dict[str, Any]) -> None:
        """Name every difference."""
        found = verify_stock()
        lines = [
            f"{one.sku}: {one.reserved:,} reserved where orders hold {one.promised:,}; "
            f"{one.on_hand:,} on hand where receipts and orders leave {one.accounted:,}"
            for one in found.differences
        ]
        wrong = f"{len(lines):,} differ" if lines else "all agree"
        self.say(options, found, [*lines, f"{found.products:,} products: {wrong}."])
        if lines:
            sys.exit(1)

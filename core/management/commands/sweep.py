"""Finish, once, what nobody finished: webhooks, commands in doubt, orders nobody paid."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from pydantic_core import to_json

from core.jobs.sweeper import sweep


class Command(BaseCommand):
    """`sweep`: one round for every tenant, as the relay does it again and again."""

    help = "Read webhooks, look up payments in doubt, expire unpaid orders: one round, then end."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *_: Any, **options: Any) -> None:
        swept = asdict(sweep())
        if options["json"]:
            self.stdout.write(to_json(swept).decode())
            return
        for name, number in swept.items():
            self.stdout.write(f"{name:<9} {number}")

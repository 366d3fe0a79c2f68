"""`issue_gift_card AMOUNT CURRENCY`: a new card, its code shown once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from hookspecs import Money
from payment_gift_card.ledger import issue


class Command(BaseCommand):
    """Issue one card."""

    help = "Issue a gift card and print its code, which can't be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("amount", help="in major units, e.g. 50.00")
        parser.add_argument("currency", help="three capital letters, e.g. EUR")
        parser.add_argument("--tenant", default="default", help="whose shop it is for")
        parser.add_argument("--expires", default="", help="its last day in UTC, YYYY-MM-DD")
        parser.add_argument("--note", default="", help="for people; at most 200 letters")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            code = issue(
                Money.parse(options["amount"], options["currency"]),
                tenant=options["tenant"],
                now=timezone.now(),
                expires_at=_end_of(options["expires"]),
                note=options["note"][:200],
            )
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(code)


def _end_of(day: str) -> datetime | None:
    if not day:
        return None
    first = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    return first + timedelta(days=1)

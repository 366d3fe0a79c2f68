"""What commands for operators share: whose shop, answers for people and for programs, refusals."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_date, parse_datetime
from pydantic_core import to_json

from core.application.refresh_registry import refresh_registry
from core.context import DEFAULT_TENANT, TenantRef, acting_for
from core.domain.errors import OrderloomError
from core.hooks.registry import Registry
from core.models import Tenant

__all__ = ["AskingCommand", "read_moment", "read_uuid"]


class AskingCommand(BaseCommand):
    """A command that acts for one tenant; what is refused ends in one plain sentence."""

    def shared(self, parser: CommandParser) -> None:
        """Add the arguments that each of them takes."""
        parser.add_argument("--tenant", default=DEFAULT_TENANT.slug, help="whose shop")
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *_: Any, **options: Any) -> None:
        """Answer, for the tenant that was named."""
        row = Tenant.objects.filter(slug=options["tenant"]).first()
        if row is None:
            raise CommandError(f"There is no tenant {options['tenant']}.")
        with acting_for(TenantRef(id=row.id, slug=row.slug)):
            try:
                self.answer(options)
            except OrderloomError as refusal:
                raise CommandError(f"{refusal.code}: {refusal.text}") from refusal

    def answer(self, options: dict[str, Any]) -> None:
        """Do what was asked for."""
        raise NotImplementedError

    def plugins(self, options: dict[str, Any]) -> Registry:
        """Return the plugins in force for the tenant."""
        return refresh_registry(tenant=options["tenant"])

    def say(self, options: dict[str, Any], told: Any, lines: Iterable[str]) -> None:
        """Write ``told`` for programs, or ``lines`` for people."""
        if options["json"]:
            self.stdout.write(to_json(told, fallback=str).decode())
            return
        for line in lines:
            self.stdout.write(line)


def read_uuid(text: str) -> UUID:
    """Read an id from the command line."""
    try:
        return UUID(text)
    except ValueError:
        raise CommandError(f"{text} is no id.") from None


def read_moment(text: str) -> datetime:
    """Read a date or a moment in ISO 8601, in UTC unless it says otherwise."""
    try:
        moment = parse_datetime(text)
        if moment is None and (day := parse_date(text)) is not None:
            moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    except ValueError:
        moment = None
    if moment is None:
        raise CommandError(f"{text} is no date: write 2026-11-23 or 2026-11-23T12:00:00Z.")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

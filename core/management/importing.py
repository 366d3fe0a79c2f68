"""What the import commands share: whose shop, what is said of broken rows, and how they end."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from core.application.row_errors import RowError, UnreadableFile
from core.context import DEFAULT_TENANT, TenantRef, acting_for
from core.domain.errors import NotFound, OrderloomError
from core.management.progress import show_progress
from core.models import Tenant

__all__ = ["ImportCommand"]

ALL_WELL, SOME_REFUSED, NOTHING_READ = 0, 1, 2
"""Exit codes: every row is in the shop; some are not; nothing could be read or begun."""


class ImportCommand(BaseCommand):
    """A command that reads a file or a folder into a tenant's shop."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the outcome for programs")
        parser.add_argument("--tenant", default=DEFAULT_TENANT.slug, help="whose shop")
        parser.add_argument("--encoding", default="utf-8", help="of the files (utf-8)")
        parser.add_argument(
            "--all-or-nothing",
            action="store_true",
            help="write nothing unless every row is fine",
        )

    @contextmanager
    def at_work(self, options: dict[str, Any]) -> Iterator[Callable[[str, int, int], None]]:
        """Act for the tenant and show progress; what can't begin ends in one plain sentence."""
        try:
            with (
                acting_for(_tenant(options["tenant"])),
                show_progress(quiet=options["verbosity"] == 0) as told,
            ):
                yield told
        except UnreadableFile as exc:
            self.end_unread(exc.error, as_json=options["json"])
        except OrderloomError as exc:
            error = RowError(file="", line=0, code=exc.code, text=exc.text)
            self.end_unread(error, as_json=options["json"])

    def end_unread(self, error: RowError, *, as_json: bool) -> None:
        """Say why nothing could be read, and end."""
        self.say(["Nothing was imported."], {"errors": []}, [error], as_json=as_json)
        sys.exit(NOTHING_READ)

    def end(self, *, refused: int) -> None:
        """End with an exit code that says whether every row is in the shop."""
        if refused:
            sys.exit(SOME_REFUSED)

    def say(
        self,
        lines: Sequence[str],
        outcome: dict[str, Any],
        errors: Sequence[RowError],
        *,
        as_json: bool,
    ) -> None:
        """Print the outcome, for programs or for people; to people, errors go to stderr."""
        if as_json:
            told = outcome | {"errors": [_row(error) for error in errors]}
            self.stdout.write(json.dumps(told, indent=2, ensure_ascii=False))
            return
        for error in errors:
            self.stderr.write(_sentence(error))
        for line in lines:
            self.stdout.write(line)


def _tenant(slug: str) -> TenantRef:
    if slug == DEFAULT_TENANT.slug:
        return DEFAULT_TENANT
    row = Tenant.objects.filter(slug=slug).first()
    if row is None:
        raise NotFound(f"There is no tenant {slug}.")
    return TenantRef(id=row.id, slug=row.slug)


def _row(error: RowError) -> dict[str, Any]:
    where: dict[str, Any] = {"file": error.file, "line": error.line} if error.file else {}
    column = {"column": error.column} if error.column else {}
    return where | column | {"code": error.code, "text": error.text}


def _sentence(error: RowError) -> str:
    column = f", {error.column}" if error.column else ""
    where = f"{error.file}, line {error.line}{column}: " if error.file else ""
    return f"{where}{error.text} [{error.code}]"

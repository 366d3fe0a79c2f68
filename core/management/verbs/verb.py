"""What a verb of `manage.py plugins` is, and how it speaks: to people or to programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.core.management.base import CommandParser, OutputWrapper
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from core.hooks.states import State

__all__ = ["Teller", "Verb"]

_COLOURS: dict[str, str] = {
    State.ENABLED: "green",
    State.DISABLED: "dim",
    State.SERVICING: "yellow",
    State.NOT_CONFIGURED: "yellow",
    State.BLOCKED: "dim",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """How a verb speaks; `as_json` says that a program listens."""

    out: OutputWrapper
    as_json: bool

    def line(self, text: str) -> None:
        """Write one line."""
        self.out.write(text)

    def json(self, value: Any) -> None:
        """Write a value for programs."""
        self.out.write(json.dumps(value, indent=2, ensure_ascii=False))

    def table(self, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
        """A table for people; in columns, and as long as need be, where there is no terminal."""
        rows = list(rows)
        if not self.out.isatty():
            widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
            for row in rows:
                padded = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
                self.out.write("  ".join(padded).rstrip())
            return
        table = Table(box=None, show_header=any(columns), pad_edge=False)
        for number, column in enumerate(columns):
            table.add_column(column, no_wrap=number < len(columns) - 2, overflow="fold")
        for row in rows:
            table.add_row(*(_coloured(cell) for cell in row))
        Console(file=sys.stdout).print(table)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One verb: `plugins NAME …`. Every verb takes `--json` as well.

    `run` gets the options and returns the exit code. It refuses with `CommandError`; what a use
    case refuses (`OrderloomError`) becomes one by itself.
    """

    name: str
    about: str
    run: Callable[[Teller, dict[str, Any]], int]
    arguments: Callable[[CommandParser], None] = lambda _: None


def _coloured(cell: str) -> str:
    colour = _COLOURS.get(cell, "red") if cell in set(State) else ""
    return f"[{colour}]{escape(cell)}[/]" if colour else escape(cell)

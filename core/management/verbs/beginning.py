"""`plugins new`: a package to begin a plugin with."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandParser

from core.management.skeleton import KINDS, begin_plugin
from core.management.verbs.verb import Teller, Verb

__all__ = ["NEW"]


def _new(teller: Teller, options: dict[str, Any]) -> int:
    made = begin_plugin(options["name"], kind=options["kind"], into=Path(options["into"]))
    if teller.as_json:
        teller.json(
            {
                "folder": str(made.folder),
                "distribution": made.distribution,
                "files": list(made.files),
            }
        )
        return 0
    teller.line(f"{made.folder} holds {made.distribution}:")
    for name in made.files:
        teller.line(f"  {name}")
    teller.line("Next, with the Python that Orderloom is installed for:")
    teller.line(f"  python -m pip install -e {made.folder}")
    teller.line(f"  python -m pytest {made.folder}")
    return 0


def _arguments(parser: CommandParser) -> None:
    parser.add_argument("name", help="the plugin's name for ever, such as payment-invoice")
    parser.add_argument("--kind", required=True, choices=sorted(KINDS))
    parser.add_argument("--into", default=".", metavar="FOLDER", help="where its folder is made")


NEW: Final = Verb(
    name="new",
    about="write a package that installs and passes its contract suite at once",
    run=_new,
    arguments=_arguments,
)

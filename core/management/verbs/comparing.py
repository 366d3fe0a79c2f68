"""`plugins diff`: what has changed in the contract, and which installed plugins it breaks."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import CommandParser

import hookspecs
from core.domain.errors import InvalidInput
from core.hooks.agreement import disagreement
from core.hooks.changes import Change, changes
from core.hooks.compat import compatible
from core.hooks.discovery import Discovered, Found
from core.hooks.promises import Page, promises
from core.hooks.usage import broken_by, signs_of
from core.management.verbs.verb import Teller, Verb

__all__ = ["DIFF"]

_PAGE: Final = Path(hookspecs.__file__)


def _diff(teller: Teller, options: dict[str, Any]) -> int:
    before = _page(options["ref"])
    after = _page(options["to"]) if options["to"] else _read(_PAGE)
    found = changes(before, after)
    broken = {each.name: _broken(each, before, after, found) for each in _installed()}
    disagrees = disagreement(before, after)
    told = _Told(before=before, after=after, changes=found, broken=broken, disagrees=disagrees)
    (told.as_json if teller.as_json else told.as_text)(teller)
    return 1 if options["check"] and disagrees else 0


class _Told:
    """What there is to tell, to programs and to people."""

    def __init__(
        self,
        *,
        before: Page,
        after: Page,
        changes: tuple[Change, ...],
        broken: dict[str, list[str]],
        disagrees: str,
    ) -> None:
        self.before, self.after, self.changes = before, after, changes
        self.broken, self.disagrees = broken, disagrees

    def as_json(self, teller: Teller) -> None:
        teller.json(
            {
                "from": self.before.version,
                "to": self.after.version,
                "changes": [
                    {"name": one.name, "what": one.what, "verdict": one.verdict, "whom": one.whom}
                    for one in self.changes
                ],
                "plugins": {name: whys for name, whys in self.broken.items() if whys},
                "disagreement": self.disagrees,
            }
        )

    def as_text(self, teller: Teller) -> None:
        if not self.changes:
            teller.line("Nothing has changed in the contract.")
        else:
            rows = [(one.verdict, one.whom, one.name, one.what) for one in self.changes]
            teller.table(("", "for whom", "name", "what"), rows)
        for name, whys in self.broken.items():
            for why in whys:
                teller.line(f"{name} may break: {why}")
        if self.changes and not any(self.broken.values()):
            teller.line("No installed plugin uses anything that breaks.")
        if self.disagrees:
            teller.line(f"The version doesn't agree: {self.disagrees}.")


def _broken(found: Found, before: Page, after: Page, every: tuple[Change, ...]) -> list[str]:
    manifest = found.manifest
    assert manifest is not None
    whys = []
    if after.version and not compatible(manifest.api, offered=after.version):
        whys.append(f"it wants the contract {manifest.api}, and that is {after.version}")
    signs = signs_of(Path(found.folder), hooks=manifest.hooks, page=before)
    return [*whys, *(f"{one.name}: {one.what}" for one in broken_by(every, signs))]


def _installed() -> Iterable[Found]:
    """Plugins that aren't loaded here count as well: it is their source that is read."""
    discovered: Discovered = settings.ORDERLOOM_DISCOVERED
    return [found for found in discovered.found if found.manifest and found.folder]


def _page(ref: str) -> Page:
    """A file first: a snapshot, or another `hookspecs.py`; else what git knows by that name."""
    path = Path(ref)
    if path.is_file():
        return _snapshot(path) if path.suffix == ".json" else _read(path)
    return _parsed(_shown(ref), f"hookspecs.py of {ref}")


def _shown(ref: str) -> str:
    command = ["git", "show", f"{ref}:./{_PAGE.name}"]
    try:
        if not ref or ref.startswith("-"):
            raise InvalidInput(f"{ref!r} is neither a file nor a commit.")
        done = subprocess.run(  # noqa: S603 - git's own program, and never an option of it
            command, cwd=_PAGE.parent, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise InvalidInput(
            f"{ref} is no file, and git can't be asked: {error.strerror}."
        ) from error
    if done.returncode:
        raise InvalidInput(
            f"{ref} is neither a file nor a commit of a checkout here: give a snapshot (.json), "
            "another hookspecs.py, or a commit."
        )
    return done.stdout


def _read(path: Path) -> Page:
    try:
        return _parsed(path.read_text(encoding="utf-8"), str(path))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} can't be read: {error}.") from error


def _parsed(text: str, what: str) -> Page:
    try:
        return Page(promises(text))
    except SyntaxError as error:
        raise InvalidInput(f"{what} is no Python: {error.msg}, line {error.lineno}.") from error


def _snapshot(path: Path) -> Page:
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        return Page({str(name): [str(line) for line in lines] for name, lines in given.items()})
    except (OSError, ValueError, AttributeError, TypeError, IndexError, SyntaxError) as error:
        raise InvalidInput(f"{path} is no snapshot of a contract: {error}.") from error


def _arguments(parser: CommandParser) -> None:
    parser.add_argument("ref", help="a commit, a snapshot (.json), or another hookspecs.py")
    parser.add_argument("--to", default="", metavar="REF", help="instead of the page of this shop")
    parser.add_argument(
        "--check", action="store_true", help="exit code 1 if change and version don't agree"
    )


DIFF: Final = Verb(
    name="diff",
    about="what has changed in the contract since REF, and which installed plugins it breaks",
    run=_diff,
    arguments=_arguments,
)

"""A plugin begun: a package that installs, passes its contract suite and is typed, from templates."""

from __future__ import annotations

import keyword
import re
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Final

from core.domain.errors import InvalidInput
from core.hooks.discovery import BUNDLED
from hookspecs import API_VERSION

__all__ = ["KINDS", "Skeleton", "begin_plugin"]

KINDS: Final = {
    "payment": ("payment_strategies", "payment-"),
    "notification": ("notification_channels", "notify-"),
    "pricing": ("pricing_rules", "pricing-"),
    "warmer": ("cache_warmers", "warm-"),
}
"""Per kind: the hook, and what the names of such plugins begin with, if they do."""

_TEMPLATES: Final = Path(__file__).parent / "skeletons"
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST: Final = 60
_PACKAGE: Final = "PACKAGE"
_ENDING: Final = ".txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skeleton:
    """What was written: the folder, and the files in it, as paths in it."""

    folder: Path
    distribution: str
    files: tuple[str, ...]


def begin_plugin(name: str, *, kind: str, into: Path) -> Skeleton:
    """Write a package for a plugin of this name and kind into a new folder of that name.

    Raises:
        InvalidInput: the name can't be a plugin's or a package's, is a bundled plugin's, is taken by
            something that can be imported here, or the folder is there already: nothing is ever
            overwritten.

    """
    package = _package(name)
    folder = into / name
    hook, beginning = KINDS[kind]
    code = name.removeprefix(beginning)
    words = {
        "plugin": name,
        "package": package,
        "kind": kind,
        "hook": hook,
        "code": code,
        "title": code.replace("-", " ").capitalize(),
        "api": API_VERSION,
        "next": str(int(API_VERSION.partition(".")[0]) + 1),
    }
    try:
        into.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
    except FileExistsError:
        raise InvalidInput(f"{folder} is there already; nothing was written.") from None
    except OSError as error:
        raise InvalidInput(f"{folder} can't be made: {error.strerror}.") from error
    written = [
        _write(path, path.relative_to(source), folder, words)
        for source in (_TEMPLATES / "every", _TEMPLATES / kind)
        for path in sorted(source.rglob(f"*{_ENDING}"))
    ]
    return Skeleton(folder=folder, distribution=f"orderloom-{name}", files=tuple(sorted(written)))


def _package(name: str) -> str:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise InvalidInput(
            f"{name!r} can't be a plugin's name: small letters, digits and single dashes, a letter "
            f"first, at most {_LONGEST} characters, such as payment-invoice."
        )
    if f"orderloom-{name}" in BUNDLED:
        raise InvalidInput(f"{name!r} is a plugin that comes with Orderloom. Choose another name.")
    package = name.replace("-", "_")
    if keyword.iskeyword(package) or keyword.issoftkeyword(package):
        raise InvalidInput(f"{name!r} can't be a package's name: it is a word of Python's.")
    if package in sys.stdlib_module_names or find_spec(package) is not None:
        raise InvalidInput(
            f"{name!r} is taken: a package {package} can be imported here already, and yours would "
            "hide it. Choose another name."
        )
    return package


def _write(template: Path, place: Path, folder: Path, words: dict[str, str]) -> str:
    named = str(place).replace(_PACKAGE, words["package"]).removesuffix(_ENDING)
    target = folder / named
    target.parent.mkdir(parents=True, exist_ok=True)
    text = Template(template.read_text(encoding="utf-8")).substitute(words)
    target.write_text(text, encoding="utf-8")
    return named

"""The command line: Django's commands and ours, with plain sentences where Python would trace."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import DatabaseError

from core.management.beginning import begin
from core.management.behind import unapplied
from core.project.environment import data_folder
from core.project.sharing import share, shared
from core.project.variables import Variables

__all__ = ["main"]

_WITHOUT_A_SHOP = (["plugins", "new"], ["plugins", "diff"])


def main() -> None:
    """Run the command named on the command line.

    Raises:
        SystemExit: with one plain sentence where a required setting is missing or wrong, else with
            the command's own exit code.

    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.project.settings")
    up = sys.argv[1:2] == ["up"]
    try:
        if sys.argv[1:3] in _WITHOUT_A_SHOP:
            _make_up()
        elif not up:
            _join()
        bool(settings.DEBUG)  # the first look at any setting reads the environment
        if up:
            begin(sys.argv[2:], share=partial(share, settings.ORDERLOOM_DATA))
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except DatabaseError as error:
        _explain(error)


def _make_up() -> None:
    """What a plugin's author does concerns no shop: nothing has to be set, and nothing is loaded."""
    for name, text in (
        ("SECRET_KEY", "of-no-shop"),
        ("ALLOWED_HOSTS", "localhost"),
        ("ORDERLOOM_DATA", tempfile.gettempdir()),
        ("ORDERLOOM_PLUGINS", ""),
    ):
        os.environ.setdefault(name, text)


def _join() -> None:
    """A command beside a running `up` sees the same shop: what isn't set is as it is there."""
    env = Variables()
    if env.bool("ORDERLOOM_SANDBOX"):
        for name, value in shared(data_folder(env)).items():
            os.environ.setdefault(name, value)


def _explain(error: DatabaseError) -> None:
    """Raise it again, unless all that is wrong is that nobody has migrated."""
    try:
        labels = unapplied()
    except DatabaseError:
        labels = ()
    if not labels:
        raise error
    called = Path(sys.argv[0]).name  # manage.py in a checkout, orderloom in a wheel
    text = f"The tables of {', '.join(labels)} are behind the code: run `{called} migrate` first."
    if "--json" in sys.argv:
        print(json.dumps({"errors": [{"code": "NOT_MIGRATED", "text": text}]}))  # noqa: T201
    sys.exit(f"{text} [NOT_MIGRATED]")

"""The command line: Django's commands and ours, with plain sentences where Python would trace."""

from __future__ import annotations

import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from core.management.beginning import begin

__all__ = ["main"]


def main() -> None:
    """Run the command named on the command line.

    Raises:
        SystemExit: with one plain sentence where a required setting is missing or wrong, else with
            the command's own exit code.

    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.project.settings")
    try:
        bool(settings.DEBUG)  # the first look at any setting reads the environment
        if sys.argv[1:2] == ["up"]:
            begin(sys.argv[2:])
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))

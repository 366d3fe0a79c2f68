#!/usr/bin/env python3
"""Start any of Orderloom's commands from a checkout; installed, the command is `orderloom`."""

from __future__ import annotations

import importlib.util
import sys

if importlib.util.find_spec("django") is None:
    sys.exit("Nothing is installed for this Python yet: run `make run` (it makes .venv).")

from core.project.cli import main

if __name__ == "__main__":
    main()

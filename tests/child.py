"""Run one function of a test in a process of its own: `python -m tests.child MODULE:FUNCTION JSON`."""

from __future__ import annotations

import json
import sys
from importlib import import_module

import django

from core.context import DEFAULT_TENANT, acting_for

if __name__ == "__main__":
    django.setup()
    module, _, function = sys.argv[1].partition(":")
    given = json.loads(sys.argv[2])
    with acting_for(DEFAULT_TENANT):
        print(json.dumps(getattr(import_module(module), function)(**given)))

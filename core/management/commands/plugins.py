"""The plugins: which there are, how they stand and why, and what can be done about it."""

from __future__ import annotations

import sys
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.domain.errors import OrderloomError
from core.management.verbs.beginning import NEW
from core.management.verbs.comparing import DIFF
from core.management.verbs.configuring import CONFIG
from core.management.verbs.looking import CHECK, LIST, SHOW
from core.management.verbs.switching import DISABLE, DRAIN, ENABLE, FOLLOW
from core.management.verbs.tracing import TRACE
from core.management.verbs.uninstalling import UNINSTALL
from core.management.verbs.verb import Teller, Verb

VERBS: Final[tuple[Verb, ...]] = (
    LIST,
    SHOW,
    CHECK,
    ENABLE,
    DISABLE,
    FOLLOW,
    DRAIN,
    CONFIG,
    NEW,
    DIFF,
    UNINSTALL,
    TRACE,
)
"""Every verb, in the order in which `--help` names them; the first is meant where none is given."""


class Command(BaseCommand):
    """`plugins VERB …`, each with `--json`."""

    requires_system_checks = ()  # they would say the same, first and in other words
    help = "List the plugins, look at one, check, switch and configure them, or begin one."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", metavar=" | ".join(v.name for v in VERBS))
        for verb in VERBS:
            sub = verbs.add_parser(verb.name, help=verb.about)
            verb.arguments(sub)
            sub.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *_: Any, **options: Any) -> None:
        chosen = next((verb for verb in VERBS if verb.name == options["verb"]), VERBS[0])
        teller = Teller(out=self.stdout, as_json=bool(options.get("json")))
        try:
            code = chosen.run(teller, options)
        except OrderloomError as refusal:
            raise CommandError(f"{refusal.code}: {refusal.text}") from refusal
        if code:
            sys.exit(code)

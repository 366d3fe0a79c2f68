"""`plugins enable`, `disable`, `follow`, `drain`: switches, and waiting until they are everywhere."""

from __future__ import annotations

import getpass
import time
from dataclasses import asdict
from typing import Any, Final

from django.core.management.base import CommandParser
from django.utils import timezone

from core.application.list_plugins import list_plugins
from core.application.open_work import open_work
from core.application.refresh_registry import refresh_registry
from core.application.report_worker import lagging_workers
from core.application.switch_plugin import Switched, SwitchPlugin, switch_plugin
from core.conf import conf
from core.context import DEFAULT_TENANT
from core.management.verbs.looking import named
from core.management.verbs.verb import Teller, Verb

__all__ = ["DISABLE", "DRAIN", "ENABLE", "FOLLOW", "who_asks"]

_PATIENCE: Final = 60.0
_SECOND: Final = 1.0
_POLL: Final = 0.1
_ELSEWHERE: Final = "still at work with what was in force before: {}"


def who_asks() -> str:
    """Return whom the history names for what the command line does."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):
        return "command line"


def _enable(teller: Teller, options: dict[str, Any]) -> int:
    return _switched(teller, options, on=True)


def _disable(teller: Teller, options: dict[str, Any]) -> int:
    return _switched(teller, options, on=False)


def _follow(teller: Teller, options: dict[str, Any]) -> int:
    return _switched(teller, options, on=None)


def _switched(teller: Teller, options: dict[str, Any], *, on: bool | None) -> int:
    done = _switch(options, on=on)
    late = _await(done, options["deadline"]) if options["wait"] else ()
    state = _state(options)
    told = asdict(done) | {"state": state, "late": list(late)}
    if teller.as_json:
        teller.json(told)
        return 1 if late else 0
    where = f" for {done.tenant}" if done.tenant else ""
    already = "" if done.changed else ", as it was before"
    teller.line(f"{done.plugin}{where} is {state}{already}.")
    if done.differing:
        says = "off" if on else "on"
        teller.line(f"Their own switch keeps it {says} for: {', '.join(done.differing)}.")
    if late:
        teller.line(_ELSEWHERE.format(", ".join(late)))
    return 1 if late else 0


def _drain(teller: Teller, options: dict[str, Any]) -> int:
    done = _switch(options, on=False)
    until = time.monotonic() + options["deadline"]
    late = _await(done, options["deadline"])
    left = open_work(done.plugin, tenant=done.tenant)
    while (late or left.payments) and time.monotonic() < until:
        time.sleep(min(_SECOND, max(0.0, until - time.monotonic())))
        late = lagging_workers(generation=done.generation)
        left = open_work(done.plugin, tenant=done.tenant)
    drained = not late and not left.payments
    if teller.as_json:
        told = asdict(done) | asdict(left)
        teller.json(told | {"state": _state(options), "drained": drained, "late": list(late)})
    elif drained:
        teller.line(f"{done.plugin} is {_state(options)}: nothing is open.")
    else:
        teller.line(f"{done.plugin} still serves {left.payments} open payments.")
        if late:
            teller.line(_ELSEWHERE.format(", ".join(late)))
    return 0 if drained else 1


def _switch(options: dict[str, Any], *, on: bool | None) -> Switched:
    command = SwitchPlugin(
        plugin=options["name"],
        on=on,
        tenant=options["tenant"],
        who=who_asks(),
        reason=options["reason"],
    )
    return switch_plugin(command, plugins=refresh_registry(), now=timezone.now())


def _state(options: dict[str, Any]) -> str:
    registry = refresh_registry(tenant=options["tenant"] or DEFAULT_TENANT.slug)
    return str(named(options["name"], list_plugins(plugins=registry)).state)


def _await(done: Switched, deadline: float) -> tuple[str, ...]:
    """Wait until nothing that began with an older registry is in hand; return who still is.

    A second after the commit nothing new begins with it, and within one report more each worker has
    said what it holds.
    """
    began = time.monotonic()
    time.sleep(min(deadline, _SECOND + conf().worker_report) if done.changed else 0.0)
    while late := lagging_workers(generation=done.generation):
        if time.monotonic() - began >= deadline:
            return late
        time.sleep(_POLL)
    return ()


def _arguments(parser: CommandParser) -> None:
    parser.add_argument("name", help="as in `plugins list`")
    parser.add_argument("--tenant", help="for this tenant only")
    parser.add_argument("--reason", default="", help="goes into the history")
    parser.add_argument(
        "--deadline",
        type=float,
        default=_PATIENCE,
        metavar="SECONDS",
        help=f"how long to wait at most ({_PATIENCE:g})",
    )


def _waiting(parser: CommandParser) -> None:
    _arguments(parser)
    parser.add_argument(
        "--wait",
        action="store_true",
        help="return when no worker holds work that began before; exit code 1 at the deadline",
    )


ENABLE: Final = Verb(
    name="enable",
    about="switch a plugin on, at once and everywhere",
    run=_enable,
    arguments=_waiting,
)
DISABLE: Final = Verb(
    name="disable", about="switch it off; what is open is served", run=_disable, arguments=_waiting
)
FOLLOW: Final = Verb(
    name="follow",
    about="take a tenant's own switch away: it follows the installation again",
    run=_follow,
    arguments=_waiting,
)
DRAIN: Final = Verb(
    name="drain",
    about="switch it off, and wait until no payment is open",
    run=_drain,
    arguments=_arguments,
)

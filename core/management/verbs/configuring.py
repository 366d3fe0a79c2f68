"""`plugins config`: what each setting is and where it comes from, and changing what the console may."""

from __future__ import annotations

import getpass
import sys
from dataclasses import asdict
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from core.application.configure_plugin import ConfigurePlugin, configure_plugin
from core.application.plugin_states import console_layers
from core.application.receive_webhook import webhook_url
from core.application.refresh_registry import refresh_registry
from core.application.switch_plugin import named_tenant
from core.context import DEFAULT_TENANT, TenantRef, acting_for
from core.hooks.registry import Registry
from core.hooks.section import FormField
from core.management.verbs.looking import named
from core.management.verbs.switching import who_asks
from core.management.verbs.verb import Teller, Verb
from core.models import PluginChange

__all__ = ["CONFIG"]


def _config(teller: Teller, options: dict[str, Any]) -> int:
    tenant = options["tenant"]
    row = named_tenant(tenant)
    registry = refresh_registry(tenant=tenant or DEFAULT_TENANT.slug)
    view = named(options["name"], registry.plugins)
    if options["history"]:
        _history(teller, view.name, row.pk if row else None)
    elif options["set"] or options["unset"] or options["secret"]:
        _change(teller, options, registry)
    else:
        ref = TenantRef(id=row.id, slug=row.slug) if row else DEFAULT_TENANT
        with acting_for(ref):
            _show(teller, view.name, tenant, registry)
    return 0


def _show(teller: Teller, name: str, tenant: str | None, registry: Registry) -> None:
    section = registry.sections.get(name)
    fields = section.fields(console_layers(name, tenant)) if section else ()
    reads = any("read_webhook" in each.can for each in registry.of_every_account(name))
    address = webhook_url(plugin=name, now=timezone.now()) if reads else ""
    if teller.as_json:
        told = {"plugin": name, "tenant": tenant, "webhooks": address}
        teller.json(told | {"settings": [asdict(each) for each in fields]})
        return
    if fields:
        teller.table(("setting", "value", "from", "variable"), [_line(each) for each in fields])
    else:
        teller.line(f"{name} has no settings, or isn't loaded.")
    if address:
        teller.line(f"Webhooks come to {address}")


def _line(each: FormField) -> tuple[str, str, str, str]:
    source = f"{each.source}, read-only" if each.fixed else each.source
    return each.name, each.fault or each.told, source, each.variable


def _change(teller: Teller, options: dict[str, Any], registry: Registry) -> None:
    values = dict(_pair(given) for given in options["set"])
    values |= {name: _secret(name) for name in options["secret"]}
    done = configure_plugin(
        ConfigurePlugin(
            plugin=options["name"],
            tenant=options["tenant"],
            who=who_asks(),
            reason=options["reason"],
            values=values,
            unset=frozenset(options["unset"]),
        ),
        plugins=registry,
        now=timezone.now(),
    )
    if teller.as_json:
        teller.json(asdict(done))
        return
    changed = ", ".join(done.changed) or "nothing: it was like that before"
    teller.line(f"{done.plugin}: changed {changed}.")
    for each in registry.sections[done.plugin].fields(console_layers(done.plugin, done.tenant)):
        if each.words and each.name in done.changed:
            teller.line(f"{each.name} is now {each.told}.")
    if done.missing:
        teller.line(f"Still to be set: {', '.join(done.missing)}.")


def _pair(given: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not equals:
        raise CommandError(f"{given} sets nothing: write field=value.")
    return name, value


def _secret(name: str) -> str:
    """A secret on the command line would stay in the shell's history and in the process list."""
    given = getpass.getpass(f"{name}: ") if sys.stdin.isatty() else sys.stdin.readline()
    if not given.strip():
        raise CommandError(f"{name}: nothing came from standard input.")
    return given.rstrip("\r\n")


def _history(teller: Teller, name: str, tenant_id: int | None) -> None:
    rows = PluginChange.objects.filter(plugin=name, tenant=tenant_id).order_by("-id")
    if teller.as_json:
        keys = ("kind", "names", "who", "reason", "generation")
        teller.json([{k: getattr(r, k) for k in keys} | {"at": r.at.isoformat()} for r in rows])
        return
    for row in rows:
        what = ", ".join(row.names) if row.names else row.kind
        teller.line(f"{row.at:%Y-%m-%d %H:%M:%S}  {row.who}  {what}  {row.reason}".rstrip())
    if not rows:
        teller.line("Nobody has changed anything here.")


def _arguments(parser: CommandParser) -> None:
    parser.add_argument("name", help="as in `plugins list`")
    parser.add_argument("--tenant", help="this tenant's settings, over the installation's")
    many: dict[str, Any] = {"nargs": "+", "action": "extend", "default": []}
    parser.add_argument("--set", **many, metavar="FIELD=VALUE", help="as in the environment")
    parser.add_argument("--unset", **many, metavar="FIELD", help="back to what lies below")
    parser.add_argument(
        "--secret", **many, metavar="FIELD", help="read from standard input, a line for each"
    )
    parser.add_argument("--reason", default="", help="goes into the history")
    parser.add_argument("--history", action="store_true", help="who changed what, newest first")


CONFIG: Final = Verb(
    name="config",
    about="settings, where they come from, and changing them",
    run=_config,
    arguments=_arguments,
)

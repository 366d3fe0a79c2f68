"""What `up` says: where everything is, how the plugins stand, and the story of an order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, cast

from django.apps import apps

from core.hooks.loader import Loaded
from core.hooks.registry import Registry
from core.hooks.states import PluginView
from core.management.buying import Bought
from core.management.sandbox import Sandbox


class _Starts(Protocol):
    loaded: Loaded


def addresses(base: str, sandboxes: Iterable[Sandbox]) -> str:
    """Return the addresses of pages, console, API and sandboxes, a line each."""
    loaded = cast(_Starts, apps.get_app_config("orderloom")).loaded
    titles = {plugin.name: plugin.found.manifest for plugin in loaded.plugins}
    rows = [
        (_title(page.mount, getattr(titles[page.plugin], "title", page.plugin)), base + page.mount)
        for page in loaded.pages
    ]
    rows += [
        ("Console", f"{base}/admin/"),
        ("API", f"{base}/api/v1/docs"),
        *(("Sandbox", sandbox.base) for sandbox in sandboxes),
    ]
    return _table(rows)


def _title(mount: str, title: str) -> str:
    return "Shop" if mount == "/" else title


def states(plugins: Iterable[PluginView]) -> str:
    """Return each plugin's state, and why where there is something to say."""
    return _table([(view.name, f"{view.state} {view.why}".strip()) for view in plugins])


def story(bought: Bought) -> str:
    """Return what happened to an order, a line per event, and who was told."""
    lines = [f"{bought.number}  {bought.plugin} ({bought.strategy}): {bought.state}"]
    lines += [
        f"  {entry.at:%H:%M:%S.%f}  {entry.kind}  {entry.text}".rstrip()
        for entry in bought.timeline
    ]
    lines += [
        f"  {mail.channel} to {mail.to}: {mail.subject or mail.event}" for mail in bought.mails
    ]
    if bought.waits_for:
        lines.append(f"  waits for {bought.waits_for}")
    if bought.declined:
        lines.append(f"  declined: {bought.declined}")
    elif not bought.as_promised:
        lines.append("  this isn't what was promised")
    return "\n".join(lines) + "\n"


def no_way_to_pay(registry: Registry) -> str:
    """Say that nothing can be bought, and what is missing."""
    standing = [
        f"{view.name} is {view.state}{f' ({view.why})' if view.why else ''}"
        for view in registry.plugins
        if "payment_strategies" in view.hooks
    ]
    missing = "; ".join(standing) or "no payment plugin is installed"
    return f"No way to pay is configured: {missing}."


def _table(rows: Iterable[tuple[str, str]]) -> str:
    rows = list(rows)
    width = max((len(name) for name, _ in rows), default=0)
    return "\n".join(f"  {name:<{width}}  {text}" for name, text in rows)

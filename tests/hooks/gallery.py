"""Plugins for tests, written as installed packages: a dist-info folder beside a package."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

from core.hooks.build import build
from core.hooks.discovery import Discovered, discover
from core.hooks.guard import CallReport
from core.hooks.guarded import Limits
from core.hooks.loader import Loaded, load
from core.hooks.pool import Pools
from core.hooks.registry import Registry
from core.hooks.settings import GivenSettings
from core.hooks.states import PluginStates, PluginView

HEAD = "from hookspecs import *\nfrom decimal import Decimal\nfrom datetime import timedelta\n"

STRATEGY = """
class Pay:
    info = PaymentInfo(code="{code}", label="Pay", account={account!r})
    def start(self, request, call):
        return Done(reference="r-1")
    def inquire(self, request, call):
        return NotFound()

@hookimpl
def payment_strategies():
    return [Pay()]
"""

RULE = """
class Rule:
    info = RuleInfo(key="{key}", label="Rule", phase=Phase.LINE, optional={optional})
    def propose(self, quote):
        return [Adjustment(target=line.line_id, amount=Money(-1, quote.currency), reason="one less")
                for line in quote.lines]

@hookimpl
def pricing_rules():
    return [Rule()]
"""

TELL = """
@hookimpl
def order_placed(event):
    print("placed", event.order.number)
"""


class Gallery:
    """A folder of packages, as pip would leave it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(
        self,
        name: str,
        plugin: str = "",
        *,
        hooks: Iterable[str] = (),
        toml: str | None = None,
        api: str = ">=1.0,<2",
        more: str = "",
        distribution: str | None = None,
        package: str | None = None,
        entry: str | None = None,
        version: str = "1.0",
        init: str = "",
        files: Mapping[str, str] | None = None,
    ) -> str:
        """Write a plugin and return the name of its package."""
        package = package or f"g_{self.folder.parent.name}_{name}".replace("-", "_")
        distribution = distribution or f"orderloom-{name}"
        home = self.folder / package
        home.mkdir(parents=True, exist_ok=True)
        (home / "__init__.py").write_text(init, encoding="utf-8")
        (home / "plugin.py").write_text(HEAD + dedent(plugin), encoding="utf-8")
        if toml is None:
            toml = f'title = "{name}"\napi = "{api}"\nhooks = {json.dumps(list(hooks))}\n{more}'
        if toml:
            (home / "plugin.toml").write_text(toml.replace("PACKAGE", package), encoding="utf-8")
        for path, text in (files or {}).items():
            (home / path).parent.mkdir(parents=True, exist_ok=True)
            (home / path).write_text(dedent(text).replace("PACKAGE", package), encoding="utf-8")
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n", encoding="utf-8"
        )
        (info / "entry_points.txt").write_text(
            f"[orderloom.plugins]\n{name} = {entry or package + '.plugin'}\n", encoding="utf-8"
        )
        return package

    def discover(
        self,
        *,
        allow: frozenset[str] | None = None,
        safe_mode: bool = False,
        sandbox: bool = False,
    ) -> Discovered:
        """Find what lies in the folder and nowhere else."""
        return discover(allow=allow, safe_mode=safe_mode, sandbox=sandbox, path=[str(self.folder)])

    def load(self, **how: Any) -> Loaded:
        """Find and load."""
        return load(self.discover(**how))

    def build(
        self,
        states: PluginStates | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        sections: Mapping[str, Mapping[str, Any]] | None = None,
        report: Callable[[CallReport], None] = lambda report: None,
        limits: Limits | None = None,
        pools: Pools | None = None,
        **how: Any,
    ) -> Registry:
        """Find, load and ask."""
        given = GivenSettings(environ=environ or {}, sections=sections or {}, salt=b"salt")
        return build(
            self.load(**how), states or PluginStates(), given, report, limits=limits, pools=pools
        )


@contextmanager
def on_path(folder: Path) -> Iterator[None]:
    """Let Python find the packages of a folder, and forget them afterwards."""
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", "") or "").startswith(str(folder)):
                del sys.modules[name]


def view(registry: Registry, name: str) -> PluginView:
    """Return a plugin that has to be there."""
    found = registry.plugin(name)
    assert found is not None
    return found

"""What a plugin's module has to look like before it is registered."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType, ModuleType
from typing import Any

import pluggy

__all__ = ["OFFERS", "Implementation", "RefusedPluginError", "verify"]

OFFERS = ("payment_strategies", "pricing_rules", "notification_channels", "cache_warmers")
_HIDDEN: dict[Any, str] = {
    inspect.Parameter.VAR_POSITIONAL: "*",
    inspect.Parameter.VAR_KEYWORD: "**",
}


class RefusedPluginError(Exception):
    """A plugin that doesn't fit, in one plain line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Implementation:
    """A plugin's function for one hook, and which of the hook's arguments it takes."""

    hook: str
    function: Callable[..., Any]
    takes: tuple[str, ...]

    def __call__(self, **given: Any) -> Any:
        """Call it with those of the hook's arguments that it takes."""
        return self.function(*(given[name] for name in self.takes))


def verify(
    manager: pluggy.PluginManager, module: ModuleType, declared: tuple[str, ...]
) -> Mapping[str, Implementation]:
    """Return the implementations of a module by hook.

    Raises:
        RefusedPluginError: a hook that isn't known or declared, or is declared and not there; a
            wrapper; a function that is async or takes what the hook doesn't give.

    """
    specs = _specs(manager)
    for name in declared:
        _check_known(name, specs, "plugin.toml declares")
    found: dict[str, Implementation] = {}
    for name, function in sorted(vars(module).items()):
        options = manager.parse_hookimpl_opts(module, name)
        if options is None:
            continue
        hook = options.get("specname") or name
        _check_known(hook, specs, "implements")
        if hook not in declared:
            raise RefusedPluginError(f"implements {hook}, which its plugin.toml doesn't declare")
        if hook in found:
            raise RefusedPluginError(f"implements {hook} twice")
        if options.get("wrapper") or options.get("hookwrapper"):
            raise RefusedPluginError(f"{hook} is a wrapper, and none is allowed around others")
        found[hook] = _implementation(hook, function, specs[hook])
    absent = [hook for hook in declared if hook not in found]
    if absent:
        raise RefusedPluginError(f"plugin.toml declares {absent[0]}, and nothing implements it")
    return MappingProxyType(found)


def _specs(manager: pluggy.PluginManager) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(caller.spec.argnames)
        for name, caller in vars(manager.hook).items()
        if getattr(caller, "spec", None)
    }


def _check_known(hook: str, specs: Mapping[str, Any], who: str) -> None:
    if hook in specs:
        return
    near = difflib.get_close_matches(hook, specs, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise RefusedPluginError(f"{who} {hook}, which is no hook{hint}")


def _implementation(hook: str, function: Any, given: tuple[str, ...]) -> Implementation:
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise RefusedPluginError(f"{hook} is async, and nobody would await it")
    if hook not in OFFERS and inspect.isgeneratorfunction(function):
        raise RefusedPluginError(f"{hook} is a generator, and nobody would run it")
    takes = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            raise RefusedPluginError(f"{hook} has a keyword-only parameter, {name}")
        if parameter.kind in _HIDDEN or name not in given:
            shown = _HIDDEN.get(parameter.kind, "") + name
            raise RefusedPluginError(
                f"{hook} takes {shown}, but is given {' and '.join(given)} only"
            )
        takes.append(name)
    return Implementation(hook=hook, function=function, takes=tuple(takes))

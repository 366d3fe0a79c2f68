"""Pages that plugins serve: hung where their manifests say, and gone while switched off."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch, URLResolver, include
from django.urls.resolvers import RoutePattern

from core.hooks.loader import Page

_View = Callable[..., HttpResponseBase]


class _PluginResolver(URLResolver):
    """Resolves a plugin's addresses to views that ask the request's registry first."""

    plugin: str

    def resolve(self, path: Any) -> ResolverMatch:
        """Return the match, its view gated."""
        match = super().resolve(path)
        match.func = _gated(match.func, self.plugin)
        return match


def plugin_pages(pages: Iterable[Page]) -> list[URLResolver]:
    """Return the resolvers of these pages, those hung deepest first."""
    ordered = sorted(pages, key=lambda page: (-page.mount.count("/"), page.mount))
    return [_resolver(page) for page in ordered]


def _resolver(page: Page) -> URLResolver:
    module, app_name, namespace = include(page.urls)
    pattern = RoutePattern(page.mount.removeprefix("/"), is_endpoint=False)
    resolver = _PluginResolver(pattern, module, None, app_name=app_name, namespace=namespace)
    resolver.plugin = page.plugin
    return resolver


def _gated(view: _View, plugin: str) -> _View:
    @wraps(view)
    def gate(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        registry = getattr(request, "registry", None)
        seen = registry.plugin(plugin) if registry else None
        if seen is None or not seen.in_use:
            raise Http404(f"{plugin} is not in use")
        return view(request, *args, **kwargs)

    return gate

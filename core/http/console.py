"""The console's site: what a plugin brings to it is there while the plugin is in use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse

from core.hooks.registry import Registry

__all__ = ["Site"]


class Site(AdminSite):
    """Django's, without the part of a plugin that is switched off, left out or gone."""

    site_header = site_title = "Orderloom"
    index_title = "Console"

    def get_app_list(
        self, request: HttpRequest, app_label: str | None = None
    ) -> list[dict[str, Any]]:
        """Return what the index and the side bar list."""
        hidden = _hidden(request)
        return [
            app
            for app in super().get_app_list(request, app_label)
            if app["app_label"] not in hidden
        ]

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Answer 404 below the path of an app that is hidden, whoever asks."""
        inner: Callable[..., HttpResponseBase] = super().admin_view(view, cacheable)

        def gate(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            below = request.path.removeprefix(reverse("admin:index", current_app=self.name))
            if below.partition("/")[0] in _hidden(request):
                raise Http404("not in use")
            return inner(request, *args, **kwargs)

        gate.__dict__.update(inner.__dict__)
        return gate


def _hidden(request: HttpRequest) -> frozenset[str]:
    """The labels of plugins' apps that are installed, and whose plugins aren't in use."""
    registry: Registry | None = request.__dict__.get("registry")
    return frozenset(
        view.manifest.package
        for view in (registry.plugins if registry else ())
        if view.manifest and view.manifest.django_app and not view.in_use
    )

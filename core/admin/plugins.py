"""The console's pages of plugins: how each stands, its switch, its settings, and what was done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from core.admin.console import Console
from core.admin.settings_form import SettingsForm, settings_form
from core.application.configure_plugin import NO_KEY, ConfigurePlugin, configure_plugin
from core.application.list_plugins import list_plugins
from core.application.plugin_states import console_layers
from core.application.probe_plugin import probe_plugin, probed
from core.application.read_plugin_calls import CallFigures, read_plugin_calls
from core.application.report_worker import running_versions
from core.application.switch_plugin import SwitchPlugin, switch_plugin
from core.domain.errors import InvalidInput, OrderloomError
from core.hooks.conformance import Conformance, read_conformance
from core.hooks.registry import Registry
from core.hooks.states import PluginView
from core.infrastructure.sealing import can_keep
from core.models import Plugin, PluginChange, PluginHealth, PluginSettings, Tenant
from core.models.health import ILL
from hookspecs import Healthy

_HISTORY = 50
_SWITCHES: Mapping[str, bool | None] = {"on": True, "off": False, "follow": None}


@admin.register(Plugin)
class PluginConsole(Console):
    """Every plugin as it stands: loaded, left out, switched off, or gone but remembered."""

    fields = ("name", "title", "distribution", "version", "was_on", "prices", "seen_at")

    def get_urls(self) -> list[URLPattern]:
        """Add the page of a plugin, found by its name: one that never ran has no row."""
        own = path(
            "named/<str:name>/",
            self.admin_site.admin_view(self.plugin_view),
            name="orderloom_plugin_page",
        )
        return [own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show what `manage.py plugins list` shows."""
        views = list_plugins(plugins=request.__dict__["registry"])
        watched, running = _watched(read_plugin_calls(now=timezone.now())), running_versions()
        context = {
            **self.admin_site.each_context(request),
            "title": "Plugins",
            "rows": [
                (view, _others(view, running), watched.get(view.name, _Watched())) for view in views
            ],
        }
        context |= extra_context or {}
        return TemplateResponse(request, "orderloom/console/plugins.html", context)

    def plugin_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Show one plugin; a POST switches, configures or tests it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        page = _Page(self, request, name)
        if request.method == "POST":
            if not self.has_act_permission(request):
                raise PermissionDenied
            return page.act(request.POST.get("do", ""))
        return page.show(page.form())


class _Page:
    """One plugin's page in one request, for the installation or for one tenant."""

    def __init__(self, console: PluginConsole, request: HttpRequest, name: str) -> None:
        self._console, self._request = console, request
        self._plugins: Registry = request.__dict__["registry"]
        views = list_plugins(plugins=self._plugins)
        found = next((view for view in views if view.name == name), None)
        if found is None:
            raise Http404(f"There is no plugin {name}.")
        self._view: PluginView = found
        self._tenants = tuple(Tenant.objects.order_by("id").values_list("slug", flat=True))
        asked = request.POST.get("tenant") or request.GET.get("tenant") or None
        if asked is not None and asked not in self._tenants:
            raise Http404(f"There is no tenant {asked}.")
        self._tenant = asked

    def act(self, what: str) -> HttpResponse:
        """Do what a button says; say what came of it."""
        acts: Mapping[str, Callable[[], HttpResponse]] = {
            "switch": self._switch,
            "settings": self._configure,
            "probe": self._probe,
        }
        if what not in acts:
            raise Http404("There is no such button.")
        try:
            return acts[what]()
        except OrderloomError as refused:
            self._say(messages.ERROR, refused.text)
            return self._back()

    def form(self, data: Any = None) -> SettingsForm | None:
        """Draw the form of its settings, or None where it has none."""
        section = self._plugins.sections.get(self._view.name)
        if section is None:
            return None
        drawn = settings_form(section.fields(console_layers(self._view.name, self._tenant)))
        return drawn(data, initial={"seen": self._seen()})

    def show(self, form: SettingsForm | None) -> HttpResponse:
        """Render the page."""
        request, view = self._request, self._view
        changes = PluginChange.objects.filter(plugin=view.name).select_related("tenant")
        context = {
            **self._console.admin_site.each_context(request),
            "title": view.title or view.name,
            "view": view,
            "form": form,
            "no_key": "" if can_keep() else NO_KEY,
            "may_act": self._console.has_act_permission(request),
            "conformance": _conformance(view.name),
            "running": _others(view, running_versions()),
            "resting": PluginHealth.objects.filter(ILL, plugin=view.name).order_by("kind"),
            "calls": [
                (one, _milliseconds(one.p50), _milliseconds(one.p95), _percent(one.share))
                for one in read_plugin_calls(now=timezone.now(), plugin=view.name)
            ],
            "probed": probed(view.name, plugins=self._plugins),
            "changes": changes.order_by("-id")[:_HISTORY],
            "tenants": self._tenants if len(self._tenants) > 1 else (),
            "tenant": self._tenant,
        }
        return TemplateResponse(request, "orderloom/console/plugin.html", context)

    def _switch(self) -> HttpResponse:
        to = self._request.POST.get("to", "")
        if to not in _SWITCHES:
            raise InvalidInput("A switch is on, off, or follows the installation.", field="to")
        done = switch_plugin(
            SwitchPlugin(
                plugin=self._view.name,
                on=_SWITCHES[to],
                who=self._who(),
                tenant=self._tenant,
                reason=self._reason(),
            ),
            plugins=self._plugins,
            now=timezone.now(),
        )
        stood = "" if done.changed else " It stood like that before."
        self._say(messages.SUCCESS, f"{self._view.name} is switched to {to}.{stood}")
        if done.differing:
            others = ", ".join(done.differing)
            self._say(messages.WARNING, f"Tenants with a switch of their own differ: {others}.")
        return self._back()

    def _configure(self) -> HttpResponse:
        form = self.form(self._request.POST)
        if form is None or not form.is_valid():
            return self.show(form)
        try:
            done = configure_plugin(
                ConfigurePlugin(
                    plugin=self._view.name,
                    who=self._who(),
                    values=form.values(),
                    unset=form.unset(),
                    tenant=self._tenant,
                    reason=form.cleaned_data["reason"],
                    seen=form.cleaned_data["seen"],
                ),
                plugins=self._plugins,
                now=timezone.now(),
            )
        except InvalidInput as refused:
            form.blame(refused.details.get("fields", {"": refused.text}))
            return self.show(form)
        changed = ", ".join(done.changed)
        self._say(messages.SUCCESS, f"Changed: {changed}." if changed else "Nothing has changed.")
        if done.missing:
            self._say(messages.WARNING, f"Still missing: {', '.join(done.missing)}.")
        return self._back()

    def _probe(self) -> HttpResponse:
        code = self._request.POST.get("offer", "")
        said = probe_plugin(self._view.name, code, plugins=self._plugins)
        if isinstance(said, Healthy):
            self._say(messages.SUCCESS, f"{code} works.")
        else:
            self._say(messages.ERROR, f"{code} doesn't work: {said.cause}")
        return self._back()

    def _seen(self) -> int:
        own = PluginSettings.objects.filter(plugin=self._view.name, tenant__slug=self._tenant)
        if self._tenant is None:
            own = PluginSettings.objects.filter(plugin=self._view.name, tenant=None)
        return own.order_by("-id").values_list("id", flat=True).first() or 0

    def _who(self) -> str:
        return f"staff:{self._request.user.pk}"

    def _reason(self) -> str:
        return self._request.POST.get("reason", "").replace("\x00", "").strip()[:500]

    def _say(self, level: int, text: str) -> None:
        self._console.message_user(self._request, text, level)

    def _back(self) -> HttpResponse:
        where = reverse("admin:orderloom_plugin_page", args=[self._view.name])
        return HttpResponseRedirect(where + (f"?tenant={self._tenant}" if self._tenant else ""))


@dataclass(slots=True)
class _Watched:
    """What calls of one plugin came to over the last days, all its hooks together."""

    calls: int = 0
    failures: int = 0
    seconds: float = 0.0
    part: float = 0.0

    @property
    def mean(self) -> str:
        """How long a call takes on average."""
        return _milliseconds(self.seconds / self.calls) if self.calls else ""

    @property
    def share(self) -> str:
        """Its part of checkouts."""
        return _percent(self.part) if self.part else ""


def _conformance(name: str) -> Conformance | None:
    """What its own suites found, where its package is here."""
    found = (one for one in settings.ORDERLOOM_DISCOVERED.found if one.name == name)
    return next(map(read_conformance, found), None)


def _watched(figures: Iterable[CallFigures]) -> dict[str, _Watched]:
    summed: dict[str, _Watched] = {}
    for one in figures:
        own = summed.setdefault(one.plugin, _Watched())
        own.calls += one.calls
        own.failures += one.failures
        own.seconds += one.seconds
        own.part += one.share or 0.0
    return summed


def _others(view: PluginView, running: Mapping[str, AbstractSet[str]]) -> str:
    """The versions that servers still run: new code needs a restart."""
    return ", ".join(sorted(running.get(view.name, frozenset()) - {view.version}))


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.2f} ms"


def _percent(part: float | None) -> str:
    return "" if part is None else f"{part:.1%}"

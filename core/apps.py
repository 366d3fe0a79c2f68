"""The one Django app of the core; when Django is ready, the plugins are loaded."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import AdminConfig
from django.core.exceptions import ImproperlyConfigured

from core import checks
from core.conf import conf
from core.hooks.breaker import BreakerKey, Breakers, Thresholds
from core.hooks.build import build
from core.hooks.guard import CallReport, Ended
from core.hooks.guarded import Limits
from core.hooks.loader import Loaded, load
from core.hooks.pool import Pools
from core.hooks.registry import Registry
from core.hooks.settings import GivenSettings
from core.hooks.states import PluginStates
from core.hooks.tally import Tally
from core.infrastructure.outside import close_connections, in_transaction

__all__ = ["ConsoleConfig", "OrderloomConfig", "checks", "report_call"]

logger = logging.getLogger("orderloom.plugins")

_EVENTS = {
    Ended.ANSWERED: "plugin.call.overran",
    Ended.ABANDONED: "plugin.call.abandoned",
    Ended.NOT_ASKED: "plugin.call.not_asked",
}


class OrderloomConfig(AppConfig):
    """Name the app so that its tables are called `orderloom_…` for ever."""

    name = "core"
    label = "orderloom"
    verbose_name = "Orderloom"
    default_auto_field = "django.db.models.BigAutoField"

    loaded: Loaded
    """Every plugin found, after it was imported or left out."""
    given: GivenSettings
    """Plugin settings from the environment and from Django's settings."""
    limits: Limits
    """How long calls without a deadline of their own may take."""
    pools: Pools
    """The threads in which plugins do their I/O."""
    tally: Tally
    """What calls of plugins took, until it is written down."""
    breakers: Breakers
    """What of the plugins has failed too often, and rests."""
    read_states: Callable[..., PluginStates]
    """Reads what the database says of plugins: for strict checks, which judge by all of it."""
    first: Registry
    """What is offered before the first look into the database."""

    def ready(self) -> None:
        """Load the plugins; no database query here.

        Raises:
            ImproperlyConfigured: one has a problem, and ORDERLOOM_STRICT is on.

        """
        self.loaded = load(settings.ORDERLOOM_DISCOVERED, patience=conf().import_patience)
        self.given = GivenSettings(
            environ=dict(os.environ),
            sections=settings.ORDERLOOM_PLUGIN_SETTINGS,
            salt=settings.SECRET_KEY.encode(),
        )
        self.limits = Limits(
            pure=conf().pure_limit,
            tell=conf().deadline("TELL"),
            warm=conf().deadline("WARM"),
            grace=conf().call_grace,
        )
        self.pools = Pools(
            size=settings.ORDERLOOM_PLUGIN_THREADS,
            after=close_connections,
            in_transaction=in_transaction,
        )
        self.tally = Tally()
        self.breakers = Breakers(
            Thresholds(
                window=conf().breaker_window,
                wait=conf().breaker_wait,
                longest=conf().breaker_longest,
            )
        )
        from core.application.plugin_states import read_states  # noqa: PLC0415 - rows, from now on

        self.read_states = read_states
        named = settings.ORDERLOOM_PLUGINS_DISABLED
        self.first = self.build(PluginStates(disabled=named, named=named))
        if settings.ORDERLOOM_STRICT and self.first.problems:
            lines = "\n".join(f"  {problem}" for problem in self.first.problems)
            raise ImproperlyConfigured(f"ORDERLOOM_STRICT is on, and plugins don't fit:\n{lines}")

    def build(self, states: PluginStates) -> Registry:
        """Build the registry for these states."""
        registry = build(
            self.loaded,
            states,
            self.given,
            self._report,
            limits=self.limits,
            pools=self.pools,
            breakers=self.breakers,
        )
        resting = (
            (BreakerKey(a.plugin, a.kind, a.account), a.version, a.wait)
            for a in states.ailing
            if a.rests
        )
        if states.refreshed:
            self.breakers.adopt(resting, time.monotonic())
        return registry

    def _report(self, report: CallReport) -> None:
        self.tally(report)
        if report.ended is not Ended.ANSWERED or report.overran:
            report_call(report)


class ConsoleConfig(AdminConfig):
    """Django's admin, with our own site."""

    default = False
    default_site = "core.http.console.Site"


def report_call(report: CallReport) -> None:
    """Log a call into a plugin that failed or took too long; never what it was given."""
    called = report.called
    logger.warning(
        _EVENTS.get(report.ended, "plugin.call.failed"),
        extra={
            "plugin": called.plugin,
            "version": called.version,
            "hook": called.hook,
            "offer": called.code,
            "seconds": round(report.seconds, 4),
            "cause": report.cause,
        },
    )

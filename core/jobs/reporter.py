"""Who reports what a process has in hand, and when: a thread beside the work, never the work."""

from __future__ import annotations

import os
import platform
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol, Self, cast

import structlog
from django.apps import apps
from django.db import DatabaseError, InterfaceError, connections
from django.utils import timezone

from core.application.pin_registry import in_hand
from core.application.record_plugin_calls import forget_old_calls, record_plugin_calls
from core.application.refresh_registry import refresh_registry
from core.application.report_worker import IDLE_SECONDS, Worker, report_worker
from core.application.trip_plugin import trip_plugin
from core.conf import conf
from core.hooks.breaker import Breakers
from core.hooks.guard import Guard
from core.hooks.loader import Loaded
from core.hooks.states import Code
from core.hooks.tally import Tally
from core.hooks.watchdog import hanging

__all__ = ["Reporter", "reporting", "tell_of_plugins"]

log = structlog.get_logger(__name__)

_HUNG = 70
"""How a process ends that a plugin has hung up: `EX_SOFTWARE` of sysexits."""

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class _Starts(Protocol):
    loaded: Loaded
    breakers: Breakers
    tally: Tally


def tell_of_plugins() -> None:
    """Tell what this process has found out about plugins; without news, nothing is asked."""
    trip_plugin(breakers=_ours().breakers, now=timezone.now())
    record_plugin_calls(tally=_ours().tally, now=timezone.now())


def _ours() -> _Starts:
    return cast(_Starts, apps.get_app_config("orderloom"))


class Reporter:
    """Reports once a second while there is work in hand, rarely while there is none.

    A server that forks starts it in each worker, at the first request.
    """

    def __init__(self, *, ends_hung: bool = False) -> None:
        """Take whether a pure call that never returns ends the process: a server replaces it."""
        self._ends_hung = ends_hung
        self._stop = threading.Event()
        self._starting = threading.Lock()
        self._pid = 0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Run in a thread of this process, unless it does already; 0 seconds mean never."""
        if self._pid == os.getpid() or not conf().worker_report:
            return
        with self._starting:
            if self._pid != os.getpid():
                self._pid = os.getpid()
                self._thread = threading.Thread(target=self._run, name="reporter", daemon=True)
                self._thread.start()

    def _end_if_hung(self) -> None:
        if self._ends_hung and conf().hang_limit:
            guard = hanging(seconds=conf().hang_limit, now=time.monotonic())
            if guard is not None:
                _give_up(guard)
                os._exit(_HUNG)

    def stop(self) -> None:
        """Report no more."""
        self._stop.set()

    def join(self, *, timeout: float = 10.0) -> None:
        """Wait until it has ended, for `timeout` seconds at most."""
        if self._thread is not None:
            self._thread.join(timeout)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """A command that ends within a second has something to tell as well."""
        self.stop()
        if self._pid == os.getpid():
            try:
                tell_of_plugins()
            except (DatabaseError, InterfaceError) as error:
                log.warning("worker.report.failed", cause=type(error).__name__)

    def _run(self) -> None:
        worker, told = _this_process(), float("-inf")
        busy, forgot = 0, ""
        while True:
            self._end_if_hung()
            try:
                if busy or in_hand().count or time.monotonic() - told >= IDLE_SECONDS:
                    busy = report_worker(worker, generation=refresh_registry().generation)
                    told = time.monotonic()
                tell_of_plugins()
                if forgot != (today := timezone.now().date().isoformat()):
                    forget_old_calls(now=timezone.now())
                    forgot = today
            except (DatabaseError, InterfaceError) as error:
                log.warning("worker.report.failed", cause=type(error).__name__)
                connections.close_all()
            except Exception:  # it must not die of one round: nobody would notice
                log.exception("worker.report.broken")
            if not busy:
                connections.close_all()
            if self._stop.wait(conf().worker_report):
                connections.close_all()
                return


def _give_up(guard: Guard) -> None:
    """Tell the others first: they let it rest, unless prices need it."""
    cause = f"never came back within {conf().hang_limit:g} s"
    log.critical("plugin.call.hangs", **guard.called._asdict(), cause=cause)
    guard.give_up(time.monotonic(), cause)
    try:
        tell_of_plugins()
    except (DatabaseError, InterfaceError) as error:
        log.warning("worker.report.failed", cause=type(error).__name__)


def reporting(application: Wsgi, reporter: Reporter) -> Wsgi:
    """Return the application, which sees to it that its process reports from now on."""

    def answered(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        reporter.start()
        return application(environ, start_response)

    return answered


def _this_process() -> Worker:
    loaded = _ours().loaded
    return Worker(
        id=secrets.token_hex(16),
        process=f"{platform.node()}:{os.getpid()}"[:100],
        versions={p.name: p.found.version for p in loaded.plugins if p.code is Code.LOADED},
    )

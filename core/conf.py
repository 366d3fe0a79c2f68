"""The core's own settings, read once from Django's into a frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from django.core.signals import setting_changed

_STARTS: Final = frozenset({"START", "RESUME"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Conf:
    """What an installation decides. Durations are in seconds.

    ``currency`` is the one a shop sells in unless an order says otherwise; ``lease`` is added to
    a call's deadline before another worker may take the work over; ``call_deadline`` bounds every
    call of a plugin to the outside, whatever its kind.
    """

    currency: str
    prices_include_tax: bool
    tax_rounding: str
    reservation: float
    order_link: float
    call_deadline: float
    call_grace: float
    start_deadline: float
    command_deadline: float
    read_deadline: float
    deliver_deadline: float
    tell_deadline: float
    warm_deadline: float
    prepare_deadline: float
    pure_limit: float
    breaker_window: float
    breaker_wait: float
    breaker_longest: float
    quarantine_within: float
    calls_kept: float
    hang_limit: float
    import_patience: float
    lease: float
    look_ups: tuple[float, ...]
    worker_report: float
    waiting_look: float
    held_look: float
    inbox_kept: float
    delivery_lease: float
    delivery_retries: tuple[float, ...]
    public_url: str
    order_url: str
    staff: tuple[str, ...]

    def deadline(self, kind: str) -> float:
        """Return how many seconds a call may take: one of the five kinds below, or a verb."""
        named = {
            "READ": self.read_deadline,
            "DELIVER": self.deliver_deadline,
            "TELL": self.tell_deadline,
            "WARM": self.warm_deadline,
            "PREPARE": self.prepare_deadline,
        }
        verb = self.start_deadline if kind in _STARTS else self.command_deadline
        return min(self.call_deadline, named.get(kind, verb))


@lru_cache(maxsize=1)
def conf() -> Conf:
    """Return the settings in force."""
    return Conf(
        currency=settings.ORDERLOOM_CURRENCY,
        prices_include_tax=settings.ORDERLOOM_PRICES_INCLUDE_TAX,
        tax_rounding=settings.ORDERLOOM_TAX_ROUNDING,
        reservation=settings.ORDERLOOM_RESERVATION_SECONDS,
        order_link=settings.ORDERLOOM_ORDER_LINK_SECONDS,
        call_deadline=settings.ORDERLOOM_CALL_DEADLINE_SECONDS,
        call_grace=settings.ORDERLOOM_CALL_GRACE_SECONDS,
        start_deadline=settings.ORDERLOOM_START_SECONDS,
        command_deadline=settings.ORDERLOOM_COMMAND_SECONDS,
        read_deadline=settings.ORDERLOOM_READ_SECONDS,
        deliver_deadline=settings.ORDERLOOM_DELIVER_SECONDS,
        tell_deadline=settings.ORDERLOOM_TELL_SECONDS,
        warm_deadline=settings.ORDERLOOM_WARM_SECONDS,
        prepare_deadline=settings.ORDERLOOM_PREPARE_SECONDS,
        pure_limit=settings.ORDERLOOM_PURE_SECONDS,
        breaker_window=settings.ORDERLOOM_BREAKER_WINDOW_SECONDS,
        breaker_wait=settings.ORDERLOOM_BREAKER_WAIT_SECONDS,
        breaker_longest=settings.ORDERLOOM_BREAKER_LONGEST_SECONDS,
        quarantine_within=settings.ORDERLOOM_QUARANTINE_SECONDS,
        import_patience=settings.ORDERLOOM_IMPORT_SECONDS,
        hang_limit=settings.ORDERLOOM_HANG_SECONDS,
        calls_kept=settings.ORDERLOOM_CALLS_KEPT_SECONDS,
        lease=settings.ORDERLOOM_LEASE_SECONDS,
        look_ups=tuple(settings.ORDERLOOM_LOOK_UPS),
        worker_report=settings.ORDERLOOM_WORKER_REPORT_SECONDS,
        waiting_look=settings.ORDERLOOM_WAITING_LOOK_SECONDS,
        held_look=settings.ORDERLOOM_HELD_LOOK_SECONDS,
        inbox_kept=settings.ORDERLOOM_INBOX_KEPT_SECONDS,
        delivery_lease=settings.ORDERLOOM_DELIVERY_LEASE_SECONDS,
        delivery_retries=tuple(settings.ORDERLOOM_DELIVERY_RETRIES),
        public_url=settings.ORDERLOOM_PUBLIC_URL.rstrip("/"),
        order_url=settings.ORDERLOOM_ORDER_URL,
        staff=tuple(settings.ORDERLOOM_STAFF_EMAILS),
    )


def _forget(*, setting: str, **_: Any) -> None:
    """Read again after a test has overridden a setting."""
    if setting.startswith("ORDERLOOM_"):
        conf.cache_clear()


setting_changed.connect(_forget, dispatch_uid="orderloom-conf")

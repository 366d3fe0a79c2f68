"""The days that a report is about, and which of their orders count as sold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from core.domain.errors import InvalidInput
from core.domain.lifecycle import OrderStatus

SOLD: Final = (OrderStatus.PAID, OrderStatus.FULFILLED)
"""What counts as sold: paid for, handed over or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Some days of a calendar; ``until`` is not one of them.

    Raises:
        InvalidInput: it holds no day.
    """

    since: date
    until: date
    time_zone: ZoneInfo

    def __post_init__(self) -> None:
        if self.since >= self.until:
            raise InvalidInput("A report ends after the day on which it begins.", field="until")

    def moment(self, day: date) -> datetime:
        """Return when a day begins."""
        return datetime.combine(day, time(), tzinfo=self.time_zone)

    @property
    def begins_at(self) -> datetime:
        """When the first day begins."""
        return self.moment(self.since)

    @property
    def ends_at(self) -> datetime:
        """When the last day is over."""
        return self.moment(self.until)

"""What every page of the console has: nothing to edit, and actions that say what they did."""

# ruff: noqa: ARG002 - Django hands over more than a page asks for

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from core.domain.errors import OrderloomError
from core.hooks.registry import Registry
from hookspecs import Money


class ReasonForm(ActionForm):
    """An action, and why it is taken."""

    reason = forms.CharField(required=False, max_length=500, label="Reason:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Who asks for something to be done, why and when, and the plugins that it may need.

    ``counted`` is what somebody counted, on pages that ask for it.
    """

    principal: str
    reason: str
    counted: str
    now: datetime
    plugins: Registry


class Console(admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows rows and changes none; who might change them in other admins may act on them."""

    ordering: ClassVar[tuple[str, ...]] = ("-pk",)
    list_per_page = 50
    show_full_result_count = False
    action_form = ReasonForm

    def _never(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    has_add_permission = has_change_permission = has_delete_permission = _never

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Say whether the actions of this page are theirs."""
        return bool(super().has_change_permission(request))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Every field that is shown."""
        return self.fields or ()


def action(
    label: str, done: str, use_case: Callable[[Any, Asking], object], *, reasoned: bool = False
) -> Callable[[Any, HttpRequest, QuerySet[Any]], None]:
    """Return an action that calls a use case for each row, and says and logs what became of it."""

    @admin.action(description=label, permissions=["act"])
    def act(page: Any, request: HttpRequest, rows: QuerySet[Any]) -> None:
        reason = request.POST.get("reason", "").replace("\x00", "").strip()[:500]
        if reasoned and not reason:
            page.message_user(request, "Nothing was done: a reason is needed.", messages.WARNING)
            return
        ask = Asking(
            principal=f"staff:{request.user.pk}",
            reason=reason,
            counted=request.POST.get("counted", "").strip(),
            now=timezone.now(),
            plugins=request.__dict__["registry"],
        )
        for row in list(rows):
            try:
                use_case(row, ask)
            except OrderloomError as refused:
                page.message_user(request, f"{row}: {refused}", messages.ERROR)
            else:
                page.log_change(request, row, f"{done}: {reason}" if reason else done)
                page.message_user(request, f"{row}: {done}.", messages.SUCCESS)

    act.__name__ = label.split(maxsplit=1)[0].lower()
    return act


def money(column: str, label: str = "Amount") -> Callable[[Any, Any], str]:
    """Return a column that shows minor units as an amount."""

    @admin.display(description=label)
    def shown(_: Any, row: Any) -> str:
        minor = getattr(row, column)
        return "" if minor is None else str(Money(minor, row.currency))

    return shown


def choose(column: str, words: Iterable[str]) -> type[admin.SimpleListFilter]:
    """Return a filter for a column whose values are known, so that no table is read for them."""
    known = [(str(word), str(word)) for word in words]

    class Chosen(admin.SimpleListFilter):
        title = column.replace("_", " ")
        parameter_name = column

        def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
            return known

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            return queryset.filter(**{column: self.value()}) if self.value() else queryset

    return Chosen

"""Cards in the console: to be seen and blocked; amounts are nobody's to edit."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from hookspecs import Money
from payment_gift_card.models import GiftCard, Taking


class TakingInline(admin.TabularInline):  # type: ignore[type-arg]
    """What was taken from a card."""

    model = Taking
    extra = 0
    can_delete = False
    fields = ("taken_at", "payment_id", "status", "taken_minor", "captured_minor", "settled_at")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Only the ledger takes money."""
        return False


@admin.register(GiftCard)
class GiftCardAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows cards; blocks them."""

    list_display = ("__str__", "tenant", "balance", "issued_at", "expires_at", "blocked", "note")
    list_filter = ("tenant", "currency", "blocked")
    search_fields = ("hint", "note")
    fields = ("tenant", "hint", "balance", "issued", "issued_at", "expires_at", "blocked", "note")
    readonly_fields = ("tenant", "hint", "balance", "issued", "issued_at", "expires_at", "blocked")
    inlines = (TakingInline,)
    actions = ("block", "unblock")
    change_list_template = "payment_gift_card/cards.html"

    @admin.display(description="Balance")
    def balance(self, card: GiftCard) -> str:
        """What is left on it."""
        return str(Money(card.balance_minor, card.currency))

    @admin.display(description="Issued with")
    def issued(self, card: GiftCard) -> str:
        """What it was worth when it was issued."""
        return str(Money(card.issued_minor, card.currency))

    @admin.action(description="Block", permissions=["change"])
    def block(self, request: HttpRequest, cards: QuerySet[GiftCard]) -> None:  # noqa: ARG002
        """Let nobody pay with these any more."""
        cards.update(blocked=True)

    @admin.action(description="Unblock", permissions=["change"])
    def unblock(self, request: HttpRequest, cards: QuerySet[GiftCard]) -> None:  # noqa: ARG002
        """Let people pay with these again."""
        cards.update(blocked=False)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Cards are issued on a page of their own, which shows the code once."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """A ledger forgets nothing."""
        return False

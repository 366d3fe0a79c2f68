"""Find whose payment a provider's notice is about, and apply what it says."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from core.application.apply_facts import ApplyFacts, apply_facts
from core.application.comparing import is_another, note_mistaken
from core.application.look_up_payment import look_up_payment
from core.application.resume_payment import ResumePayment, resume_payment
from core.hooks.offered import OfferedStrategy
from core.hooks.registry import Registry
from core.models import Payment
from hookspecs import FactKind, Notice


def apply_notice(
    notice: Notice, payment: Payment, *, source: str, plugins: Registry, now: datetime
) -> None:
    """Apply what a notice states, and go on: resume what was approved, look up all else.

    Raises:
        PluginUnavailable: the plugin's code isn't loaded any more; the facts are stored all the same.
    """
    if is_another(notice.reference, payment):
        note_mistaken(payment.id, str(notice.reference), now=now)
        look_up_payment(payment.id, plugins=plugins, now=now)
        return
    apply_facts(
        ApplyFacts(
            payment_id=payment.id,
            facts=notice.facts,
            source=source,
            reference=notice.reference,
        ),
        now=now,
    )
    if any(fact.kind is FactKind.APPROVED for fact in notice.facts):
        resume_payment(
            ResumePayment(order_id=payment.order_id, payment_id=payment.id),
            plugins=plugins,
            now=now,
        )
    else:
        look_up_payment(payment.id, plugins=plugins, now=now)


def find_payment(notice: Notice, strategy: OfferedStrategy) -> Payment | None:
    """Find whose news it is: by our own id if the provider kept it, else by its reference.

    Of several with one reference, such as two transfers for one order, the latest.
    """
    own = Payment.objects.filter(plugin=strategy.plugin, strategy_code=strategy.info.code)
    if strategy.info.account is not None:
        own = own.filter(account=strategy.info.account)
    if notice.payment_id:
        try:
            return own.filter(pk=UUID(notice.payment_id)).first()
        except ValueError:
            return None
    if not notice.reference:
        return None
    return own.filter(reference=notice.reference).order_by("-created_at", "-id").first()

"""Find whose payment a provider's notice is about, and let the provider itself confirm it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from core.application.apply_facts import ApplyFacts, apply_facts
from core.application.comparing import is_another, note_mistaken
from core.application.facts import folded, stated_of
from core.application.look_up_payment import inquire_payment, look_up_payment
from core.application.resume_payment import resume_if_approved
from core.domain.lifecycle import LIVE
from core.hooks.offered import OfferedStrategy
from core.hooks.registry import Registry
from core.models import Operation, Payment
from hookspecs import Feature, Notice

UNCONFIRMED = "the gateway doesn't confirm it"


def apply_notice(
    notice: Notice, payment: Payment, *, source: str, plugins: Registry, now: datetime
) -> str:
    """Learn from the gateway what a notice tells of, and go on; return why it has to wait, or "".

    A notice is a reason to look, never money: a signature may cover less than the body, and news
    that is authentic may name another's payment. So its facts and its reference aren't stored; what
    the look-up states is. A payment that is recorded by people and files (MANUAL) has nobody to
    ask: there the notice itself counts.

    Raises:
        PluginUnavailable: the plugin's code isn't loaded any more.
    """
    if is_another(notice.reference, payment):
        note_mistaken(payment.id, str(notice.reference), now=now)
        look_up_payment(payment.id, plugins=plugins, now=now)
        return ""
    strategy = plugins.strategy(
        plugin=payment.plugin, code=payment.strategy_code, account=payment.account
    )
    if Feature.MANUAL in strategy.info.features:
        facts = ApplyFacts(
            payment_id=payment.id, facts=notice.facts, source=source, reference=notice.reference
        )
        apply_facts(facts, now=now)
        look_up_payment(payment.id, plugins=plugins, now=now)
        return ""
    waits = Operation.objects.filter(payment_id=payment.id, status__in=LIVE).exists()
    if notice.facts and not waits and is_known(notice, payment):
        return ""
    why_not = inquire_payment(payment.id, plugins=plugins, now=now)
    resume_if_approved(payment.id, plugins=plugins, now=now)
    return why_not or ("" if is_known(notice, payment) else UNCONFIRMED)


def is_known(notice: Notice, payment: Payment) -> bool:
    """Say whether a notice would change nothing of what is known of a payment."""
    known = stated_of(payment)
    return folded(payment, known) == folded(payment, [*known, *notice.facts])


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

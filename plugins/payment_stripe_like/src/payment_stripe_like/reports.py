"""What the account tells: webhooks, one by one, and what it did in a period."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from hookspecs import Call, Fact, Notice, Secret, Unknown, Untrusted, Webhook
from payment_stripe_like import webhooks
from payment_stripe_like.gateway import UNREADABLE, Document, Gateway, GatewayError
from payment_stripe_like.wording import dispute_facts, intent_facts, object_id, refund_fact


class Reports:
    """Makes notices, each with the payment it is about."""

    def __init__(self, gateway: Gateway, secrets: tuple[Secret, ...]) -> None:
        self._gateway = gateway
        self._secrets = secrets

    def read_webhook(self, webhook: Webhook, call: Call) -> Sequence[Notice] | Untrusted | Unknown:
        """Verify an event and say what it tells."""
        event = webhooks.verified(webhook, self._secrets)
        if isinstance(event, Untrusted):
            return event
        try:
            news = webhooks.news_of(event)
            return () if news is None else (self._notice(news, call),)
        except GatewayError as error:
            return Unknown(cause=str(error))
        except UNREADABLE as error:
            return Unknown(cause=f"an event that can't be read: {type(error).__name__}")

    def _notice(self, news: webhooks.News, call: Call) -> Notice:
        payment_id = news.payment_id
        if payment_id is None and news.intent_id:
            intent = self._gateway.intent(news.intent_id, call)
            payment_id = (intent.get("metadata") or {}).get("payment_id")
        reference = news.session_id or (None if payment_id else news.intent_id)
        return Notice(
            event_id=news.event_id,
            payment_id=payment_id,
            reference=reference,
            facts=news.facts,
        )

    def statement(self, since: datetime, until: datetime, call: Call) -> Iterable[Notice]:
        """List what was made in a period: intents, refunds, disputes.

        Raises:
            GatewayError: the account couldn't be read.
        """
        period = {"created": {"gte": int(since.timestamp()), "lte": int(until.timestamp())}}
        known: dict[str, str | None] = {}
        notices = []
        for intent in self._gateway.intents(period, call, pages=100):
            known[intent["id"]] = intent["metadata"].get("payment_id")
            notices.append(self._listed(intent, intent["id"], intent_facts(intent), known, call))
        for refund in self._gateway.refunds(period, call):
            about = object_id(refund.get("payment_intent"))
            notices.append(self._listed(refund, about, (refund_fact(refund),), known, call))
        for dispute in self._gateway.disputes(period, call):
            about = object_id(dispute.get("payment_intent"))
            notices.append(self._listed(dispute, about, dispute_facts(dispute), known, call))
        return [notice for notice in notices if notice.facts]

    def _listed(
        self,
        thing: Document,
        intent_id: str | None,
        facts: tuple[Fact, ...],
        known: dict[str, str | None],
        call: Call,
    ) -> Notice:
        payment_id = (thing.get("metadata") or {}).get("payment_id")
        if payment_id is None and intent_id:
            if intent_id not in known:
                metadata = self._gateway.intent(intent_id, call).get("metadata") or {}
                known[intent_id] = metadata.get("payment_id")
            payment_id = known[intent_id]
        return Notice(
            event_id=f"{thing['id']}:{thing['status']}",
            payment_id=payment_id,
            reference=None if payment_id else intent_id,
            facts=facts,
        )

"""The control API for tests and for `up`: ledger, faults, webhooks, autopilot, disputes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from sandbox_gateways.autopilot import Autopilot
from sandbox_gateways.deliveries import Deliveries
from sandbox_gateways.faults import Faults
from sandbox_gateways.ledger import Document, Ledger
from sandbox_gateways.paypal_objects import AUTHORIZATION, CAPTURE, ORDER, PaypalBook
from sandbox_gateways.paypal_objects import REFUND as PAYPAL_REFUND
from sandbox_gateways.paypal_words import Refusal
from sandbox_gateways.shop import call_at, introduce
from sandbox_gateways.stripe_objects import CHARGE, INTENT, REFUND, SESSION, StripeBook, Wrong
from sandbox_gateways.wire import Answer, Asked, answer_json

_PROVIDERS = ("stripe", "paypal")
_OPTIONS = ("stripe_keys_kept", "paypal_keys_kept", "paypal_token_lasts", "refund_status")
_REFUND_STATUS = ("SUCCEEDED", "PENDING", "FAILED")


class Control:
    """Answers everything under ``/control/``."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        deliveries: Deliveries,
        faults: Faults,
        asked: deque[dict[str, str]],
        autopilot: Autopilot,
        stripe: StripeBook,
        paypal: PaypalBook,
    ) -> None:
        self._ledger = ledger
        self._deliveries = deliveries
        self._faults = faults
        self._asked = asked
        self._autopilot = autopilot
        self._stripe = stripe
        self._paypal = paypal

    def answer(self, asked: Asked) -> Answer:
        """Answer one request; a mistake in it is a 400 that says which."""
        name = f"{asked.method} {asked.path.removeprefix('/control/')}"
        try:
            return answer_json(self._do(name, asked))
        except (Wrong, Refusal) as error:
            return answer_json({"error": str(error)}, 404)
        except (KeyError, ValueError, TypeError) as error:
            return answer_json({"error": f"{type(error).__name__}: {error}"}, 400)

    def _do(self, name: str, asked: Asked) -> Any:
        verbs: dict[str, Callable[[Document], Any]] = {
            "GET health": lambda _: {"ok": True, "autopilot": self._autopilot.on},
            "GET ledger": lambda _: ledger_of(self._ledger),
            "GET faults": lambda _: {"faults": self._faults.script},
            "POST faults": lambda said: {"faults": self._faults.add(dict(said))},
            "DELETE faults": lambda _: {"faults": self._faults.clear()},
            "GET requests": lambda _: {"requests": list(self._asked)},
            "DELETE requests": lambda _: self._forget_requests(),
            "GET shop": lambda _: introduce(asked.base),
            "POST shop": lambda said: call_at(dict(said["webhooks"]), self._deliveries),
            "POST autopilot": self._switch_autopilot,
            "POST click": lambda said: self._click(said, asked),
            "POST options": self._options,
            "GET webhooks": lambda _: self._webhooks(),
            "POST webhooks": self._control_webhooks,
            "DELETE webhooks": lambda _: self._forget_webhooks(),
            "POST webhooks/redeliver": lambda said: {
                "sent": self._deliveries.redeliver(str(said.get("event_id", "")))
            },
            "POST dispute": self._dispute,
            "POST finish_refund": self._finish_refund,
            "POST finish_capture": lambda said: self._paypal.finish_capture(
                self._paypal.find(CAPTURE, str(said["capture"])), str(said["status"])
            ),
            "POST lapse": self._lapse,
            "POST forget": self._forget,
            "POST forget_tokens": lambda _: self._forget_tokens(),
        }
        if name not in verbs:
            raise ValueError(f"nothing is controlled by {name}")
        with self._ledger.transaction():
            return verbs[name](asked.json)

    def _switch_autopilot(self, said: Document) -> Document:
        self._autopilot.switch(on=bool(said.get("on", True)))
        return {"on": self._autopilot.on}

    def _click(self, said: Document, asked: Asked) -> Document:
        return {"return_url": self._autopilot.click(str(said["url"]), base=asked.base)}

    def _webhooks(self) -> Document:
        rows = self._ledger.run("SELECT * FROM delivery ORDER BY id DESC LIMIT 1000")
        return {
            "addresses": {name: self._deliveries.addresses(name) for name in _PROVIDERS},
            "controls": self._deliveries.controls,
            "deliveries": [dict(row) for row in rows],
        }

    def _control_webhooks(self, said: Document) -> Document:
        for provider in _PROVIDERS:
            if said.get(provider):
                self._deliveries.register(provider, str(said[provider]))
        return self._deliveries.control(**said)

    def _forget_webhooks(self) -> Document:
        for provider in _PROVIDERS:
            self._deliveries.forget(provider)
        return self._deliveries.controls

    def _dispute(self, said: Document) -> Document:
        """``status`` is in the provider's own words: Stripe's status, or PayPal's outcome."""
        charge_id = str(said["charge"])
        capture = self._ledger.get(CAPTURE, charge_id)
        if capture is not None:
            return self._paypal.dispute(capture, str(said.get("status", "")))
        charge = self._stripe.find(CHARGE, charge_id)
        return self._stripe.dispute(charge, str(said.get("status", "needs_response")))

    def _lapse(self, said: Document) -> Document:
        """Let what is authorised run out, as time does: nobody is told."""
        held = self._ledger.get(AUTHORIZATION, str(said["id"]))
        if held is not None:
            return self._paypal.lapse(held)
        return self._stripe.lapse(self._stripe.find(INTENT, str(said["id"])))

    def _forget(self, said: Document) -> Document:
        self._ledger.run("DELETE FROM document WHERE id = ?", str(said["id"]))
        return {"forgotten": said["id"]}

    def _forget_tokens(self) -> Document:
        self._ledger.set_option("paypal_tokens", {})
        return {"forgotten": "tokens"}

    def _finish_refund(self, said: Document) -> Document:
        refund_id, status = str(said["refund"]), str(said["status"])
        found = self._ledger.get(REFUND, refund_id)
        if found is not None:
            return self._stripe.finish_refund(found, status.lower())
        return self._paypal.finish_refund(self._paypal.find(PAYPAL_REFUND, refund_id), status)

    def _forget_requests(self) -> Document:
        self._asked.clear()
        return {"requests": []}

    def _options(self, said: Document) -> Document:
        for key, value in said.items():
            if key not in _OPTIONS:
                raise ValueError(f"an option is one of {', '.join(_OPTIONS)}, not {key!r}")
            if key == "refund_status" and value not in _REFUND_STATUS:
                raise ValueError(f"refund_status is one of {', '.join(_REFUND_STATUS)}")
            self._ledger.set_option(key, value if key == "refund_status" else float(value))
        return {name: self._ledger.option(name) for name in _OPTIONS}


def ledger_of(ledger: Ledger) -> dict[str, list[Document]]:
    """Return what moved, by kind, newest first, in one shape for both providers."""
    charges = [
        {
            "provider": "stripe",
            "id": one["id"],
            "amount": one["amount_captured"],
            "refunded": one["amount_refunded"],
            "currency": one["currency"].upper(),
            "status": one["status"],
            "payment": one["payment_intent"],
            "metadata": one["metadata"],
        }
        for one in ledger.all(CHARGE)
    ]
    captures = [
        {
            "provider": "paypal",
            "id": one["id"],
            "amount": one["amount"]["value"],
            "refunded": one["_refunded"],
            "currency": one["amount"]["currency_code"],
            "status": one["status"],
            "payment": one["_order"],
            "metadata": {"payment_id": one.get("custom_id", "")},
        }
        for one in ledger.all(CAPTURE)
    ]
    refunds = [
        {"provider": name, "id": one["id"], "amount": one["amount"], "status": one["status"]}
        for name, kind in (("stripe", REFUND), ("paypal", PAYPAL_REFUND))
        for one in ledger.all(kind)
    ]
    waiting = [
        {"provider": name, "id": one["id"], "status": one["status"]}
        for name, kind in (
            ("stripe", INTENT),
            ("stripe", SESSION),
            ("paypal", ORDER),
            ("paypal", AUTHORIZATION),
        )
        for one in ledger.all(kind)
    ]
    return {"charges": charges + captures, "refunds": refunds, "objects": waiting}

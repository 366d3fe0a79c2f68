"""The provider's own desk: payments, refunds, and what happens to webhooks on their way."""

from __future__ import annotations

from html import escape

from sandbox_gateways.autopilot import Autopilot
from sandbox_gateways.control import ledger_of
from sandbox_gateways.deliveries import Deliveries
from sandbox_gateways.ledger import Ledger
from sandbox_gateways.markup import button, money, page, problem, table
from sandbox_gateways.paypal_objects import CAPTURE, PaypalBook
from sandbox_gateways.paypal_words import Refusal
from sandbox_gateways.stripe_objects import CHARGE, StripeBook, Wrong
from sandbox_gateways.wire import Answer, Asked, answer_page, answer_redirect


class Dashboard:
    """One page at ``/`` and the forms on it."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        deliveries: Deliveries,
        autopilot: Autopilot,
        stripe: StripeBook,
        paypal: PaypalBook,
    ) -> None:
        self._ledger = ledger
        self._deliveries = deliveries
        self._autopilot = autopilot
        self._stripe = stripe
        self._paypal = paypal

    def answer(self, asked: Asked) -> Answer | None:
        """Show the page or take one of its forms."""
        if asked.path == "/" and asked.method == "GET":
            return answer_page(self._page())
        if asked.method != "POST" or not asked.path.startswith("/dashboard/"):
            return None
        try:
            with self._ledger.transaction():
                self._do(asked.path.removeprefix("/dashboard/"), asked)
        except (Wrong, Refusal, ValueError) as error:
            return answer_page(page("That didn't work", problem(str(error))), 400)
        return answer_redirect("/")

    def _do(self, name: str, asked: Asked) -> None:
        form = asked.form
        what = str(form.get("do", ""))
        match name:
            case "refund" if self._ledger.get(CHARGE, what):
                charge = self._stripe.find(CHARGE, what)
                self._stripe.refund(charge, None, reason=None, metadata={})
            case "refund":
                self._paypal.refund(self._paypal.find(CAPTURE, what), {})
            case "dispute":
                self._stripe.dispute(self._stripe.find(CHARGE, what), "needs_response")
            case "finish":
                self._paypal.finish_capture(self._paypal.find(CAPTURE, what), "COMPLETED")
            case "autopilot":
                self._autopilot.switch(on=what == "on")
            case "redeliver":
                self._deliveries.redeliver(what)
            case "webhooks":
                self._deliveries.control(
                    delay=float(form.get("delay") or 0),
                    duplicate=int(form.get("duplicate") or 0),
                    drop=int(form.get("drop") or 0),
                    shuffle=form.get("shuffle") == "on",
                    hold=form.get("hold") == "on",
                )

    def _page(self) -> str:
        return page(
            "Sandbox gateways",
            self._payments() + self._refunds() + self._webhooks() + self._switches(),
        )

    def _payments(self) -> str:
        rows = []
        for one in ledger_of(self._ledger)["charges"][:100]:
            stripe = one["provider"] == "stripe"
            amount = (
                money(one["amount"], one["currency"])
                if stripe
                else f"{one['amount']} {one['currency']}"
            )
            doing = button("/dashboard/refund", "Refund", value=one["id"])
            if stripe:
                doing += button("/dashboard/dispute", "Dispute", value=one["id"])
            elif one["status"] == "PENDING":
                doing = button("/dashboard/finish", "Complete", value=one["id"])
            rows.append(
                [one["provider"], f"<code>{escape(one['id'])}</code>", amount, one["status"], doing]
            )
        return table("Payments", ("Provider", "Id", "Amount", "Status", "Do"), rows)

    def _refunds(self) -> str:
        rows = [
            [one["provider"], f"<code>{escape(one['id'])}</code>", escape(str(one["status"]))]
            for one in ledger_of(self._ledger)["refunds"][:100]
        ]
        return table("Refunds", ("Provider", "Id", "Status"), rows)

    def _webhooks(self) -> str:
        rows = [
            [
                row["provider"],
                escape(row["event_type"]),
                row["state"].lower(),
                escape(row["status"] or ""),
                button("/dashboard/redeliver", "Send again", value=row["event_id"]),
            ]
            for row in self._ledger.run("SELECT * FROM delivery ORDER BY id DESC LIMIT 50")
        ]
        return table("Webhooks", ("Provider", "Event", "State", "Answer", "Do"), rows)

    def _switches(self) -> str:
        now = self._deliveries.controls
        checked = {name: " checked" if now[name] else "" for name in ("shuffle", "hold")}
        on = self._autopilot.on
        return f"""
<h2>Controls</h2>
<form method="post" action="/dashboard/webhooks"><fieldset><legend>Webhooks to come</legend>
<label for="delay">Delay, in seconds</label>
<input id="delay" name="delay" type="text" inputmode="decimal" value="{now["delay"]}">
<label for="duplicate">Extra copies of each</label>
<input id="duplicate" name="duplicate" type="text" inputmode="numeric" value="{now["duplicate"]}">
<label for="drop">Drop the next (-1: all)</label>
<input id="drop" name="drop" type="text" value="{now["drop"]}">
<label><input type="checkbox" name="shuffle"{checked["shuffle"]}> Shuffle</label>
<label><input type="checkbox" name="hold"{checked["hold"]}> Hold everything back</label>
<p><button>Set</button></p></fieldset></form>
<p>The autopilot, which pays and approves by itself, is {"on" if on else "off"}.</p>
{button("/dashboard/autopilot", "Switch it off" if on else "Switch it on", value="off" if on else "on")}
"""

"""What a customer sees of the two providers: card form, 3-D Secure, approval."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from sandbox_gateways.ledger import Document, Ledger
from sandbox_gateways.markup import button, link, money, page, problem
from sandbox_gateways.paypal_objects import ORDER, PaypalBook
from sandbox_gateways.paypal_words import Refusal
from sandbox_gateways.stripe_cards import CARDS, by_number, by_token
from sandbox_gateways.stripe_objects import INTENT, SESSION, Wrong
from sandbox_gateways.stripe_sessions import StripeSessions
from sandbox_gateways.wire import Answer, Asked, answer_page, answer_redirect

PAYER = "SANDBOXPAYER"


def with_query(url: str, **values: str) -> str:
    """Return an address with values added to its query."""
    parts = urlsplit(url)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *values.items()])
    return urlunsplit(parts._replace(query=query))


class CustomerPages:
    """The pages. ``answer`` returns None where the address is none of theirs."""

    def __init__(self, ledger: Ledger, sessions: StripeSessions, paypal: PaypalBook) -> None:
        self._ledger = ledger
        self._sessions = sessions
        self._paypal = paypal
        self._pages: dict[str, Callable[[Asked, str], Answer]] = {
            "/stripe/pay/": self._card,
            "/stripe/challenge/": self._challenge,
            "/paypal/approve": self._approval,
        }

    def answer(self, asked: Asked) -> Answer | None:
        """Show a page or take its form."""
        for prefix, show in self._pages.items():
            if asked.path.startswith(prefix):
                try:
                    with self._ledger.transaction():
                        return show(asked, asked.path.removeprefix(prefix))
                except (Wrong, Refusal) as refusal:
                    text = refusal.args[0] if refusal.args else "This page is over."
                    return answer_page(page("Nothing here", problem(str(text))), 404)
        return None

    # Stripe

    def _card(self, asked: Asked, session_id: str) -> Answer:
        session = self._sessions.find(session_id)
        if session["status"] == "complete":
            return answer_redirect(self._sessions.return_url(session))
        if session["status"] != "open":
            text = "This payment page has expired."
            gone = problem(text) + link(session["cancel_url"], "Back to the shop")
            return answer_page(page("Pay by card", gone), 410)
        text = ""
        if asked.method == "POST":
            card = by_number(str(asked.form.get("number", "")))
            if card is None:
                text = "That isn't one of the test cards below."
            else:
                intent = self._sessions.pay(session, card, base=asked.base)
                done = self._after(intent)
                if done:
                    return done
                text = intent["last_payment_error"]["message"]
        return answer_page(_card_page(session, text), 402 if text else 200)

    def _after(self, intent: Document) -> Answer | None:
        if intent["status"] == "requires_action":
            return answer_redirect(intent["next_action"]["redirect_to_url"]["url"])
        if intent["status"] in {"succeeded", "requires_capture"}:
            return answer_redirect(self.back(intent))
        return None

    def _challenge(self, asked: Asked, intent_id: str) -> Answer:
        intent = self._sessions.book.find(INTENT, intent_id)
        if asked.method == "POST":
            card = by_token(str(intent["payment_method"]))
            if card is None:
                raise Wrong("The card of this payment is gone.")
            passed = asked.form.get("do") == "pass"
            intent = self._sessions.answer_challenge(intent, card, passed=passed)
            return answer_redirect(self.back(intent))
        if intent["status"] != "requires_action":
            return answer_redirect(self.back(intent))
        amount = money(intent["amount"], intent["currency"])
        content = (
            f"<p>Your bank asks: is it you who pays <strong>{amount}</strong>?</p>"
            + button(asked.path, "Yes, it is me", value="pass")
            + button(asked.path, "No, refuse", value="fail")
        )
        return answer_page(page("3-D Secure", content))

    def back(self, intent: Document) -> str:
        """Return where the customer goes after the challenge, as Stripe decorates it."""
        session_id = intent.get("_session")
        if session_id:
            session = self._sessions.book.find(SESSION, session_id)
            open_again = session["status"] == "open"
            return str(session["url"] if open_again else self._sessions.return_url(session))
        where = str(intent.get("_return_url") or "/")
        secret = intent["client_secret"]
        return with_query(where, payment_intent=intent["id"], payment_intent_client_secret=secret)

    # PayPal

    def _approval(self, asked: Asked, _rest: str) -> Answer:
        order = self._paypal.find(ORDER, str(asked.query.get("token", "")))
        if asked.method == "POST" and asked.form.get("do") == "cancel":
            return answer_redirect(with_query(order["_cancel_url"] or "/", token=order["id"]))
        if asked.method == "POST":
            order = self._paypal.approve(order, funding=str(asked.form.get("funding", "GOOD")))
            return answer_redirect(self.approved_url(order))
        return answer_page(_approval_page(order, f"{asked.path}?token={order['id']}"))

    @staticmethod
    def approved_url(order: Document) -> str:
        """Return where the buyer goes after approving."""
        return with_query(order["_return_url"] or "/", token=order["id"], PayerID=PAYER)


def _card_page(session: Document, text: str) -> str:
    amount = money(session["amount_total"], session["currency"])
    cards = "".join(
        f"<tr><td><code>{card.number}</code></td><td>{escape(card.text or 'Pays.')}"
        f"{' Asks for 3-D Secure.' if card.challenge else ''}</td></tr>"
        for card in CARDS
    )
    content = f"""
{problem(text)}
<p>To pay: <strong>{amount}</strong></p>
<form method="post">
<label for="number">Card number</label>
<input id="number" name="number" type="text" inputmode="numeric" autocomplete="off"
 value="4242424242424242" required>
<label for="expires">Expires</label>
<input id="expires" name="expires" type="text" value="12/40">
<label for="cvc">Security code</label>
<input id="cvc" name="cvc" type="text" inputmode="numeric" value="123">
<p><button>Pay {amount}</button></p>
</form>
{link(session["cancel_url"], "Back to the shop without paying")}
<h2>Test cards</h2>
<table><thead><tr><th scope="col">Number</th><th scope="col">What it does</th></tr></thead>
<tbody>{cards}</tbody></table>
"""
    return page("Pay by card", content)


def _approval_page(order: Document, action: str) -> str:
    amount = order["purchase_units"][0]["amount"]
    content = f"""
<p>The shop asks for <strong>{escape(amount["value"])} {escape(amount["currency_code"])}</strong>.</p>
<form method="post" action="{escape(action)}">
<label for="funding">Pay with</label>
<select id="funding" name="funding">
<option value="GOOD">An account with money in it</option>
<option value="DECLINED">A card that will be declined</option>
<option value="PENDING">A bank debit that stays pending</option>
</select>
<p><button name="do" value="approve">Approve</button>
<button name="do" value="cancel">Cancel</button></p>
</form>
"""
    return page("Approve the payment", content)

"""A customer who agrees to everything: pays card pages, passes 3-D Secure, approves orders."""

from __future__ import annotations

import threading
from urllib.parse import parse_qs, urlsplit

from sandbox_gateways.customer_pages import CustomerPages
from sandbox_gateways.ledger import Document, Ledger
from sandbox_gateways.paypal_objects import ORDER, PaypalBook
from sandbox_gateways.stripe_cards import by_token
from sandbox_gateways.stripe_objects import INTENT, SESSION, Wrong
from sandbox_gateways.stripe_sessions import StripeSessions


class Autopilot:
    """Clicks for people: at once when asked with a page's address, or by itself once switched on."""

    def __init__(
        self, ledger: Ledger, sessions: StripeSessions, paypal: PaypalBook, pages: CustomerPages
    ) -> None:
        self._ledger = ledger
        self._sessions = sessions
        self._paypal = paypal
        self._pages = pages
        self._stopped = threading.Event()

    @property
    def on(self) -> bool:
        """Whether it clicks by itself."""
        return bool(self._ledger.option("autopilot", default=False))

    def switch(self, *, on: bool) -> None:
        """Let it click by itself, or not."""
        self._ledger.set_option("autopilot", on)

    def start(self) -> None:
        """Begin to watch."""
        threading.Thread(target=self._work, name="autopilot", daemon=True).start()

    def stop(self) -> None:
        """Stop watching."""
        self._stopped.set()

    def click(self, url: str, *, base: str) -> str:
        """Do what a willing customer does on a page; return the address they come back to.

        Raises:
            Wrong: the address is none of our pages.
            Refusal: there is no such order.
        """
        parts = urlsplit(url)
        last = parts.path.rsplit("/", 1)[-1]
        with self._ledger.transaction():
            if parts.path.startswith("/stripe/pay/"):
                return self._pay(self._sessions.find(last), base)
            if parts.path.startswith("/stripe/challenge/"):
                return self._pass(self._sessions.book.find(INTENT, last))
            if parts.path == "/paypal/approve":
                token = parse_qs(parts.query).get("token", [""])[0]
                order = self._paypal.approve(self._paypal.find(ORDER, token))
                return self._pages.approved_url(order)
        raise Wrong(f"No page of ours: {url}")

    def _pay(self, session: Document, base: str) -> str:
        card = by_token("pm_card_visa")
        if session["status"] == "open" and card:
            self._sessions.pay(session, card, base=base)
            session = self._sessions.find(session["id"])
        return self._sessions.return_url(session)

    def _pass(self, intent: Document) -> str:
        card = by_token(str(intent["payment_method"]))
        if card is None:
            raise Wrong("The card of this payment is gone.")
        intent = self._sessions.answer_challenge(intent, card, passed=True)
        return self._pages.back(intent)

    def _work(self) -> None:
        while not self._stopped.wait(0.1):
            if self.on:
                self._click_all()

    def _click_all(self) -> None:
        with self._ledger.transaction():
            for session in self._ledger.all(SESSION, limit=50):
                if session["status"] == "open":
                    self._pay(self._sessions.find(session["id"]), "")
            for intent in self._ledger.all(INTENT, limit=50):
                if intent["status"] == "requires_action":
                    self._pass(intent)
            for order in self._ledger.all(ORDER, limit=50):
                if order["status"] in {"CREATED", "PAYER_ACTION_REQUIRED"}:
                    self._paypal.approve(order)

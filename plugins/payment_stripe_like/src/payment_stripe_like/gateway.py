"""The wire: Stripe's official client, its time-outs, keys and errors. Nothing else imports it."""

from __future__ import annotations

import importlib
import io
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from hookspecs import Call
from payment_stripe_like.settings import Settings

Document = dict[str, Any]
_PAGES = 5
"""How many pages of 100 a look-up without a reference reads at most."""

UNREADABLE = (KeyError, IndexError, TypeError, ValueError, AttributeError)
"""What reading an answer of another shape than documented raises."""


class GatewayError(Exception):
    """The root: nothing usable came back."""


class NotSentError(GatewayError):
    """Provably without effect; ``retry_after`` in seconds, if the provider said so."""

    def __init__(self, cause: str, retry_after: float | None = None) -> None:
        super().__init__(cause)
        self.retry_after = retry_after


class InDoubtError(GatewayError):
    """It may have happened."""


class RefusedError(GatewayError):
    """A definite no, in Stripe's words."""

    def __init__(self, *, status: int, problem: Document) -> None:
        self.text = str(problem.get("message") or "refused")
        super().__init__(self.text)
        self.status = status
        self.kind = str(problem.get("type") or "")
        self.code = str(problem.get("code") or "")
        self.decline_code = str(problem.get("decline_code") or "")
        self.intent: Document = problem.get("payment_intent") or {}


@dataclass(frozen=True, slots=True)
class _Sdk:
    """The client's module and that of its transport, imported at the first call."""

    stripe: Any
    requests: Any
    connection_errors: tuple[type[BaseException], ...]


class Gateway:
    """One account. Every call states its time-out; the client's own retries are off."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._local = threading.local()
        self._sdk: _Sdk | None = None

    # Payment intents

    def create_intent(self, params: Document, *, key: str, call: Call) -> Document:
        """Create an intent."""
        return self._ask(call, lambda v1, o: v1.payment_intents.create(params, o), key)

    def intent(self, intent_id: str, call: Call) -> Document:
        """Read an intent together with its charge."""
        params = {"expand": ["latest_charge"]}
        return self._ask(call, lambda v1, o: v1.payment_intents.retrieve(intent_id, params, o))

    def confirm_intent(self, intent_id: str, params: Document, *, key: str, call: Call) -> Document:
        """Try the card of an intent."""
        return self._ask(call, lambda v1, o: v1.payment_intents.confirm(intent_id, params, o), key)

    def capture_intent(self, intent_id: str, params: Document, *, key: str, call: Call) -> Document:
        """Take an authorised amount."""
        return self._ask(call, lambda v1, o: v1.payment_intents.capture(intent_id, params, o), key)

    def cancel_intent(self, intent_id: str, *, key: str, call: Call) -> Document:
        """Cancel an intent."""
        return self._ask(call, lambda v1, o: v1.payment_intents.cancel(intent_id, {}, o), key)

    def search_intents(self, payment_id: str, call: Call) -> list[Document]:
        """Find intents by the payment's id in their metadata."""
        params = {"query": f"metadata['payment_id']:'{payment_id}'", "limit": 100}
        found = self._ask(call, lambda v1, o: v1.payment_intents.search(params, o))
        return list(found["data"])

    # Checkout sessions

    def create_session(self, params: Document, *, key: str, call: Call) -> Document:
        """Create a hosted card page."""
        return self._ask(call, lambda v1, o: v1.checkout.sessions.create(params, o), key)

    def session(self, session_id: str, call: Call) -> Document:
        """Read a session together with its intent and charge."""
        params = {"expand": ["payment_intent", "payment_intent.latest_charge"]}
        return self._ask(call, lambda v1, o: v1.checkout.sessions.retrieve(session_id, params, o))

    def expire_session(self, session_id: str, *, key: str, call: Call) -> Document:
        """End a session that nobody has paid."""
        return self._ask(call, lambda v1, o: v1.checkout.sessions.expire(session_id, {}, o), key)

    def sessions(self, *, since: int, until: int, call: Call) -> Iterator[Document]:
        """Read the sessions made between two moments (epoch seconds)."""
        params = {"created": {"gte": since, "lte": until}}
        return self._pages(call, lambda v1, p, o: v1.checkout.sessions.list(p, o), params)

    # Refunds, disputes and lists

    def create_refund(self, params: Document, *, key: str, call: Call) -> Document:
        """Give money back."""
        return self._ask(call, lambda v1, o: v1.refunds.create(params, o), key)

    def refunds(self, params: Document, call: Call) -> Iterator[Document]:
        """Read refunds."""
        return self._pages(call, lambda v1, p, o: v1.refunds.list(p, o), params)

    def disputes(self, params: Document, call: Call) -> Iterator[Document]:
        """Read disputes."""
        return self._pages(call, lambda v1, p, o: v1.disputes.list(p, o), params)

    def intents(self, params: Document, call: Call, *, pages: int = _PAGES) -> Iterator[Document]:
        """Read intents."""
        return self._pages(call, lambda v1, p, o: v1.payment_intents.list(p, o), params, pages)

    # How

    def _pages(
        self,
        call: Call,
        ask: Callable[[Any, Document, Document], Any],
        params: Mapping[str, Any],
        pages: int = _PAGES,
    ) -> Iterator[Document]:
        wanted: Document = {**params, "limit": 100}
        for _ in range(pages):
            page = self._ask(call, lambda v1, o, p=wanted: ask(v1, p, o))
            yield from page["data"]
            if not page["has_more"]:
                return
            wanted = {**wanted, "starting_after": page["data"][-1]["id"]}
        raise InDoubtError(f"more than {pages} pages to read")

    def _ask(self, call: Call, ask: Callable[..., Any], key: str = "") -> Document:
        seconds = call.seconds_left()
        if seconds <= 0:
            raise NotSentError("the deadline has passed")
        sdk = self._load()
        options = {"idempotency_key": key} if key else {}
        try:
            answer = ask(self._client(sdk, seconds).v1, options)
        except sdk.stripe.StripeError as error:
            raise _sorted_out(error, sdk) from error
        except UNREADABLE as error:
            raise InDoubtError(f"an answer that can't be read: {type(error).__name__}") from error
        document = answer.to_dict() if hasattr(answer, "to_dict") else answer
        if not isinstance(document, dict) or not (document.get("id") or "data" in document):
            raise InDoubtError("an answer without an object")
        return document

    def _client(self, sdk: _Sdk, seconds: float) -> Any:
        session = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = sdk.requests.Session()
        in_time = partial(_read_in_time, sdk, time.monotonic() + seconds)
        session.hooks["response"] = [in_time]
        return sdk.stripe.StripeClient(
            self._settings.api_key.reveal(),
            base_addresses={"api": self._settings.base.rstrip("/")},
            http_client=sdk.stripe.RequestsClient(timeout=seconds, session=session),
            max_network_retries=0,
        )

    def _load(self) -> _Sdk:
        if self._sdk is None:
            requests = importlib.import_module("requests")
            urllib3 = importlib.import_module("urllib3.exceptions")
            refused = (requests.exceptions.ConnectTimeout, urllib3.NewConnectionError)
            self._sdk = _Sdk(importlib.import_module("stripe"), requests, refused)
        return self._sdk


def _read_in_time(sdk: _Sdk, until: float, response: Any, **_: Any) -> None:
    """Read an answer that dribbles in: each piece is in time, but all of it has a deadline too."""
    parts = []
    read = getattr(response.raw, "read1", response.raw.read)
    while part := read(65_536, decode_content=True):
        parts.append(part)
        if time.monotonic() > until:
            response.close()
            raise sdk.requests.exceptions.ReadTimeout("the answer didn't end in time")
    response.raw = io.BytesIO(b"".join(parts))


def _sorted_out(error: Any, sdk: _Sdk) -> GatewayError:
    stripe = sdk.stripe
    problem = _problem_of(error)
    status = error.http_status or 0
    text = f"{status or type(error).__name__}: {problem.get('message') or error.user_message or ''}"
    if isinstance(error, stripe.APIConnectionError):
        cause = type(error.__cause__).__name__
        return NotSentError(cause) if _never_left(error, sdk) else InDoubtError(cause)
    if status == 429:
        return NotSentError(text, _seconds(error.headers))
    if (
        isinstance(error, stripe.IdempotencyError)
        or problem.get("code") == "idempotency_key_in_use"
    ):
        return InDoubtError(text)
    if status == 409:
        return NotSentError(text, _seconds(error.headers))
    if 400 <= status < 500 and problem:
        return RefusedError(status=status, problem=problem)
    return InDoubtError(text)


def _problem_of(error: Any) -> Document:
    body = error.json_body
    problem = body.get("error") if isinstance(body, Mapping) else None
    return dict(problem) if isinstance(problem, Mapping) else {}


def _never_left(error: BaseException, sdk: _Sdk) -> bool:
    """Whether no connection was ever made, judging by what lies under the client's error."""
    seen: BaseException | None = error
    while seen is not None:
        reason = getattr(seen, "reason", None)
        if isinstance(seen, sdk.connection_errors) or isinstance(reason, sdk.connection_errors):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _seconds(headers: Mapping[str, str] | None) -> float | None:
    try:
        return float((headers or {}).get("retry-after", ""))
    except ValueError:
        return None

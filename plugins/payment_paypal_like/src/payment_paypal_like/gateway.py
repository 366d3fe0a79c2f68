"""The wire: PayPal's REST API, its tokens, time-outs, request ids and errors."""

from __future__ import annotations

import importlib
import json
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlsplit

from hookspecs import Call
from payment_paypal_like.settings import Settings

Document = dict[str, Any]
_EARLY = 60.0
"""Seconds before its end that a token is replaced."""
_REPORT_DAYS = 31
_CERTIFICATE_LIMIT = 65_536
_NO_VERDICT: Final = frozenset({408, 409, 425})
"""Refusals that say that something else is under way, not what becomes of it."""

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
    """A definite no, in PayPal's words: ``issue`` is the code of its first detail."""

    def __init__(self, *, status: int, issue: str, text: str) -> None:
        super().__init__(f"{status} {issue}: {text}")
        self.status = status
        self.issue = issue
        self.text = text


class _Answer(NamedTuple):
    """An answer, read to its end."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes


class Gateway:
    """One account. Nothing is tried twice here, but for a token that has run out."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._base = settings.base.rstrip("/")
        self._lock = threading.Lock()
        self._token = ("", 0.0)
        self._certificates: dict[str, bytes] = {}

    # Orders

    def create_order(self, order: Document, *, key: str, call: Call) -> Document:
        """Create an order."""
        return self._ask("POST", "/v2/checkout/orders", call, body=order, key=key)

    def order(self, order_id: str, call: Call) -> Document:
        """Read an order with its payments."""
        return self._ask("GET", f"/v2/checkout/orders/{_safe(order_id)}", call)

    def finish_order(self, order_id: str, verb: str, *, key: str, call: Call) -> Document:
        """Take an approved order: ``verb`` is capture or authorize."""
        path = f"/v2/checkout/orders/{_safe(order_id)}/{verb}"
        return self._ask("POST", path, call, body={}, key=key)

    # Payments

    def capture(self, authorization_id: str, body: Document, *, key: str, call: Call) -> Document:
        """Take part or all of an authorisation."""
        path = f"/v2/payments/authorizations/{_safe(authorization_id)}/capture"
        return self._ask("POST", path, call, body=body, key=key)

    def void(self, authorization_id: str, *, key: str, call: Call) -> None:
        """Give an authorisation back."""
        path = f"/v2/payments/authorizations/{_safe(authorization_id)}/void"
        self._ask("POST", path, call, body={}, key=key)

    def refund(self, capture_id: str, body: Document, *, key: str, call: Call) -> Document:
        """Give part or all of a capture back."""
        path = f"/v2/payments/captures/{_safe(capture_id)}/refund"
        return self._ask("POST", path, call, body=body, key=key)

    # Reports and certificates

    def transactions(self, since: datetime, until: datetime, call: Call) -> Iterator[Document]:
        """Read what moved between two moments; PayPal answers 31 days at a time."""
        low = since
        while low < until:
            high = min(until, low + timedelta(days=_REPORT_DAYS))
            page, pages = 1, 1
            while page <= pages:
                period = f"start_date={_stamp(low)}&end_date={_stamp(high)}"
                query = f"{period}&fields=transaction_info&page_size=500&page={page}"
                report = self._ask("GET", f"/v1/reporting/transactions?{query}", call)
                yield from (one["transaction_info"] for one in report["transaction_details"])
                page, pages = page + 1, int(report.get("total_pages", 1))
            low = high

    def disputes(self, capture_id: str, call: Call) -> Iterator[Document]:
        """Read the disputes about a capture, each in full."""
        path = "/v1/customer/disputes"
        listed = self._ask("GET", f"{path}?disputed_transaction_id={_safe(capture_id)}", call)
        for one in listed.get("items") or ():
            yield self._ask("GET", f"{path}/{_safe(str(one['dispute_id']))}", call)

    def certificate(self, url: str, call: Call) -> bytes:
        """Fetch a certificate (PEM), once; the caller has checked that its host is pinned."""
        known = self._certificates.get(url)
        if known is not None:
            return known
        answer = self._send("GET", url, call)
        if answer.status_code != 200 or len(answer.content) > _CERTIFICATE_LIMIT:
            raise InDoubtError(f"no certificate: {answer.status_code}")
        if len(self._certificates) > 16:
            self._certificates.clear()
        self._certificates[url] = answer.content
        return self._certificates[url]

    def sign_in(self, call: Call) -> None:
        """Get a token, if there is none that still holds."""
        self._bearer(call)

    # How

    def _ask(
        self, method: str, path: str, call: Call, *, body: Document | None = None, key: str = ""
    ) -> Document:
        headers = {"Prefer": "return=representation"}
        if key:
            headers["PayPal-Request-Id"] = key
        for last in (False, True):
            headers["Authorization"] = f"Bearer {self._bearer(call)}"
            answer = self._send(method, self._base + path, call, json=body, headers=headers)
            if answer.status_code != 401 or last:
                break
            self._token = ("", 0.0)
        return _read(answer)

    def _bearer(self, call: Call) -> str:
        if not self._lock.acquire(timeout=call.seconds_left()):
            raise NotSentError("another call is still signing in")
        try:
            token, until = self._token
            if token and time.monotonic() < until:
                return token
            self._token = self._new_token(call)
            return self._token[0]
        finally:
            self._lock.release()

    def _new_token(self, call: Call) -> tuple[str, float]:
        credentials = (self._settings.client_id, self._settings.client_secret.reveal())
        url, body = f"{self._base}/v1/oauth2/token", {"grant_type": "client_credentials"}
        try:
            said = _read(self._send("POST", url, call, data=body, auth=credentials))
            lasts = float(said["expires_in"]) - _EARLY
            return str(said["access_token"]), time.monotonic() + lasts
        except (InDoubtError, *UNREADABLE) as error:
            raise NotSentError(f"no token: {error}") from error

    def _send(self, method: str, url: str, call: Call, **parts: Any) -> _Answer:
        seconds = call.seconds_left()
        if seconds <= 0:
            raise NotSentError("the deadline has passed")
        httpx = self._httpx
        try:
            with self._client.stream(method, url, timeout=seconds, **parts) as answer:
                return _Answer(answer.status_code, answer.headers, _read_in_time(answer, call))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotSentError(type(error).__name__) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise InDoubtError(type(error).__name__) from error

    @cached_property
    def _httpx(self) -> Any:
        return importlib.import_module("httpx2")

    @cached_property
    def _client(self) -> Any:
        return self._httpx.Client(follow_redirects=False)


def _read_in_time(answer: Any, call: Call) -> bytes:
    """Read an answer that dribbles in: each piece is in time, but all of it has a deadline too."""
    body = bytearray()
    for part in answer.iter_bytes():
        body += part
        if call.seconds_left() <= 0:
            raise InDoubtError("the answer didn't end in time")
    return bytes(body)


def _read(answer: _Answer) -> Document:
    status = answer.status_code
    if status == 204:
        return {}
    try:
        body = json.loads(answer.content)
    except ValueError:
        body = None
    if 200 <= status < 300 and isinstance(body, dict):
        return body
    problem = body if isinstance(body, dict) else {}
    details = problem.get("details")
    detail = details[0] if isinstance(details, list) and details else {}
    issue = str(detail.get("issue") or problem.get("name") or problem.get("error") or "")
    text = str(detail.get("description") or problem.get("message") or issue)
    if status == 429:
        raise NotSentError(f"429 {issue}", _seconds(answer.headers))
    definite = 400 <= status < 500 and status not in _NO_VERDICT
    if definite and issue and issue != "PREVIOUS_REQUEST_IN_PROGRESS":
        raise RefusedError(status=status, issue=issue, text=text)
    raise InDoubtError(f"{status} {issue or 'without a body that can be read'}")


def _safe(object_id: str) -> str:
    return quote(object_id, safe="")


def _stamp(moment: datetime) -> str:
    return quote(moment.strftime("%Y-%m-%dT%H:%M:%S%z") or "", safe="")


def _seconds(headers: Mapping[str, str]) -> float | None:
    try:
        return float(headers.get("retry-after", ""))
    except ValueError:
        return None


def origin_of(url: str) -> tuple[str, str]:
    """Return scheme, and host with port, of an address; user names in it make it nobody's."""
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower()

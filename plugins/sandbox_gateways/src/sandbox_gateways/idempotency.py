"""Idempotency keys as each provider documents them."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from typing import Any

from sandbox_gateways.ledger import Ledger
from sandbox_gateways.wire import Answer, Asked, answer_json

STRIPE_KEYS_KEPT = 24 * 3600.0
PAYPAL_KEYS_KEPT = 6 * 3600.0
_NOT_KEPT = frozenset({400, 401, 403, 404, 409, 429})
"""Refused before the work began: Stripe remembers no such answer."""


def stripe_once(
    ledger: Ledger, asked: Asked, work: Callable[[], Answer], *, refusal: Callable[..., Answer]
) -> Answer:
    """Do the work once per ``Idempotency-Key`` and replay its first answer, a 500 included.

    Other parameters under the same key are an error; while one is running, the answer is 409.
    """
    key = asked.header("idempotency-key")
    if asked.method != "POST" or not key:
        return _worked(asked, work)
    if len(key) > 255:
        return refusal(400, "idempotency_error", "Keys for idempotent requests are too long.")
    fingerprint = hashlib.sha256(asked.line.encode() + b"\n" + asked.body).hexdigest()
    seen = _begin(ledger, "stripe", key, fingerprint)
    if seen is not None:
        if seen["fingerprint"] != fingerprint:
            text = "Keys for idempotent requests can only be used with the same parameters."
            return refusal(400, "idempotency_error", text)
        if seen["running"]:
            text = "There is currently another in-progress request using this Idempotent Key."
            return refusal(409, "invalid_request_error", text, code="idempotency_key_in_use")
        return Answer(
            status=seen["status"],
            body=seen["body"].encode(),
            headers={"Idempotent-Replayed": "true", "Idempotency-Key": key},
        )
    try:
        worked = _worked(asked, work)
    except BaseException:
        _forget(ledger, "stripe", key)
        raise
    answer = asked.spoil or worked
    if answer.status in _NOT_KEPT:
        _forget(ledger, "stripe", key)
    else:
        ledger.run(
            "UPDATE answered SET running = 0, status = ?, body = ? WHERE provider = ? AND key = ?",
            answer.status,
            answer.body.decode(),
            "stripe",
            key,
        )
    return answer


def paypal_once(
    ledger: Ledger, asked: Asked, work: Callable[[], Answer], *, latest: Callable[[str], Answer]
) -> Answer:
    """Do the work once per ``PayPal-Request-Id`` and path, and repeat with the *latest* state.

    Refusals are not remembered; two at once with one id: the second fails.
    """
    request_id = asked.header("paypal-request-id")
    if not request_id:
        return _worked(asked, work)
    key = f"{asked.path} {request_id}"
    seen = _begin(ledger, "paypal", key, "")
    if seen is not None and seen["running"]:
        problem = {"name": "UNPROCESSABLE_ENTITY", "message": "A previous request is in progress."}
        problem["details"] = [{"issue": "PREVIOUS_REQUEST_IN_PROGRESS"}]  # type: ignore[assignment]
        return answer_json(problem, 422)
    if seen is not None:
        return latest(seen["body"])
    try:
        answer = _worked(asked, work)
    except BaseException:
        _forget(ledger, "paypal", key)
        raise
    made = _id_of(answer) if answer.status < 300 else ""
    if made:
        ledger.run(
            "UPDATE answered SET running = 0, status = 200, body = ?"
            " WHERE provider = 'paypal' AND key = ?",
            made,
            key,
        )
    else:
        _forget(ledger, "paypal", key)
    return answer


def _worked(asked: Asked, work: Callable[[], Answer]) -> Answer:
    if asked.pause:
        time.sleep(asked.pause)
    return work()


def _begin(ledger: Ledger, provider: str, key: str, fingerprint: str) -> Any:
    kept = ledger.option(
        f"{provider}_keys_kept", STRIPE_KEYS_KEPT if provider == "stripe" else PAYPAL_KEYS_KEPT
    )
    now = time.time()
    with ledger.transaction():
        ledger.run(
            "DELETE FROM answered WHERE provider = ? AND running = 0 AND at < ?",
            provider,
            now - kept,
        )
        rows = ledger.run("SELECT * FROM answered WHERE provider = ? AND key = ?", provider, key)
        if rows:
            return rows[0]
        ledger.run(
            "INSERT INTO answered (provider, key, fingerprint, running, at) VALUES (?, ?, ?, 1, ?)",
            provider,
            key,
            fingerprint,
            now,
        )
    return None


def _forget(ledger: Ledger, provider: str, key: str) -> None:
    ledger.run("DELETE FROM answered WHERE provider = ? AND key = ?", provider, key)


def _id_of(answer: Answer) -> str:
    return str(json.loads(answer.body or b"{}").get("id", ""))

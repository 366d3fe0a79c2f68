"""Send webhooks to the documented server at a steady pace; print how long it takes to be heard.

``make bench BENCH=bench_webhooks`` runs it on the PostgreSQL of DATABASE_URL, in a database of its
own: by default a thousand in ten seconds, which is W6 of what is promised (p99 below 300 ms).
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import django

django.setup()

from core.application.receive_webhook import webhook_endpoint  # noqa: E402
from core.context import DEFAULT_TENANT, acting_for  # noqa: E402
from core.models import Event, InboxEntry  # noqa: E402
from tests.house.tree import ROOT  # noqa: E402
from tests.speed.database import fresh_database  # noqa: E402

PLUGIN = "payment-stripe-like"
SENDERS = 16
BODY = json.dumps({"id": "evt_1", "data": {"object": {"id": "pi_1", "note": "x" * 2_000}}}).encode()


@contextmanager
def server(address: str, *, workers: int) -> Iterator[int]:
    """Run granian until the block ends; yield its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws"]
    command += ["--workers", str(workers), "--blocking-threads", "2", "--log-level", "error"]
    command += ["--host", "127.0.0.1", "--port", str(port), "core.project.wsgi:application"]
    more = {"DATABASE_URL": address, "ORDERLOOM_HTTPS": "0", "LOG_LEVEL": "CRITICAL"}
    more["ORDERLOOM_PAYMENT_STRIPE_LIKE__API_KEY"] = "sk_test_bench"
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | more)
    try:
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def post(port: int, path: str) -> int:
    """Bring one webhook, over a connection of its own, as providers do; 0: nobody listens."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        client.request("POST", path, body=BODY, headers={"Content-Type": "application/json"})
        answer = client.getresponse()
        answer.read()
    except OSError:
        return 0
    else:
        return answer.status
    finally:
        client.close()


def brought(port: int, path: str, *, count: int, seconds: float) -> tuple[list[float], Any]:
    """Bring webhooks at a steady pace; return milliseconds since each was due, and the answers.

    Counted from the moment at which it was due, so that what waits behind a slow one counts too.
    """
    took: list[float] = []
    answers: Counter[int] = Counter()
    turns = iter(range(count))
    lock, began = threading.Lock(), time.monotonic()

    def bring() -> None:
        while True:
            with lock:
                turn = next(turns, None)
            if turn is None:
                return
            due = began + turn * seconds / count
            time.sleep(max(0.0, due - time.monotonic()))
            status = post(port, path)
            took.append((time.monotonic() - due) * 1000)
            answers[status] += 1

    threads = [threading.Thread(target=bring) for _ in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took, dict(answers)


def main() -> None:
    """Measure, and print JSON."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=1_000)
    arguments.add_argument("--seconds", type=float, default=10.0)
    arguments.add_argument("--workers", type=int, default=2)
    given = arguments.parse_args()
    with (
        fresh_database() as address,
        server(address, workers=given.workers) as port,
        acting_for(DEFAULT_TENANT),
    ):
        path = f"/webhooks/{PLUGIN}/{webhook_endpoint(plugin=PLUGIN, now=datetime.now(UTC))}"
        until = time.monotonic() + 60
        while post(port, path) != 200:  # all workers have to be up before it counts
            assert time.monotonic() < until, "the server doesn't answer"
            time.sleep(0.1)
        brought(port, path, count=50, seconds=1.0)
        before = InboxEntry.objects.count()
        took, answers = brought(port, path, count=given.count, seconds=given.seconds)
        cuts = statistics.quantiles(took, n=100)
        print(
            json.dumps(
                {
                    "cores": os.cpu_count(),
                    "per_second": given.count / given.seconds,
                    "answers": answers,
                    "stored": InboxEntry.objects.count() - before,
                    "events": Event.objects.count(),
                    "p50_ms": round(cuts[49], 1),
                    "p99_ms": round(cuts[98], 1),
                    "most_ms": round(max(took), 1),
                }
            )
        )


if __name__ == "__main__":
    main()

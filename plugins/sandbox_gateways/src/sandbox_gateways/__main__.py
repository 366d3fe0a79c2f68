"""`python -m sandbox_gateways`: starts the sandbox and prints its address once it answers."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from sandbox_gateways.server import make_server


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="sandbox_gateways", description=__doc__)
    parser.add_argument("--port", type=int, default=8001, help="0: any free one")
    parser.add_argument("--ledger", type=Path, required=True, help="a SQLite file of its own")
    parser.add_argument("--autopilot", action="store_true", help="pay and approve by itself")
    parser.add_argument("--stripe-webhook", default="", help="where Stripe's webhooks go")
    parser.add_argument("--paypal-webhook", default="", help="where PayPal's webhooks go")
    parser.add_argument("--until-eof", action="store_true", help="end when standard input does")
    given = parser.parse_args(arguments)
    given.ledger.parent.mkdir(parents=True, exist_ok=True)
    server = make_server(port=given.port, ledger_path=given.ledger)
    sandbox = server.sandbox
    for provider, url in (("stripe", given.stripe_webhook), ("paypal", given.paypal_webhook)):
        if url:
            sandbox.deliveries.forget(provider)
            sandbox.deliveries.register(provider, url)
    sandbox.autopilot.switch(on=given.autopilot)
    sandbox.start()
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    if given.until_eof:
        threading.Thread(target=_wait_for_eof, args=(server.shutdown,), daemon=True).start()
    sys.stdout.write(f"{sandbox.base}\n")
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever(poll_interval=0.05)
    server.server_close()
    sandbox.stop()
    return 0


def _wait_for_eof(end: Callable[[], None]) -> None:
    """Whoever started us holds the other end: when they are gone, however, so are we."""
    sys.stdin.read()
    end()


if __name__ == "__main__":
    sys.exit(main())

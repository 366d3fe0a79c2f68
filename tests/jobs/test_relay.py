"""The relay as a process: a real database, a real SMTP server, the plugins as they are installed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

pytestmark = [pytest.mark.once, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]

ORDER = """
import sys
from datetime import UTC, datetime
from core.application.compose_order import Composition
from core.application.create_product import CreateProduct, create_product
from core.application.place_order import PlaceOrder, place_order
from core.application.publish_product import publish_product
from core.application.refresh_registry import refresh_registry
from core.context import DEFAULT_TENANT, acting_for
from core.domain.order import Wanted
from core.models import Product
from hookspecs import Customer, Money
now = datetime.now(UTC)
with acting_for(DEFAULT_TENANT):
    if not Product.objects.filter(sku="tea").exists():
        create_product(
            CreateProduct(sku="tea", name="Tea", price=Money(450, "EUR"), on_hand=100), now=now
        )
        publish_product(sku="tea", now=now)
    for key in KEYS:
        place_order(
            PlaceOrder(
                composition=Composition(
                    lines=(Wanted(sku="tea", quantity=1),),
                    contact=Customer(ref="", email="ada@canary.example", name="Ada Canary"),
                ),
                principal="guest", key=key, source="test",
            ),
            plugins=refresh_registry(), now=now,
        )
"""


@dataclass
class Sink:
    """An SMTP server that keeps the mails it accepted, and may think about each before saying so."""

    mails: list[EmailMessage] = field(default_factory=list)
    answer: Callable[[], str] = lambda: "250 OK"
    arrived: threading.Event = field(default_factory=threading.Event)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.arrived.set()
        return self.answer()


class FreePort(Controller):
    """Starts on whichever port is free."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@dataclass
class Installation:
    """A shop of its own: a folder, a database, an environment, and a sink for its mails."""

    folder: Path
    sink: Sink
    port: int
    lease: float = 60.0

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("ORDERLOOM_", "DATABASE"))}
        return kept | {
            "DEBUG": "0",
            "SECRET_KEY": "tests-only-" + "x" * 50,
            "ALLOWED_HOSTS": "localhost",
            "ORDERLOOM_DATA": str(self.folder),
            "ORDERLOOM_PLUGINS": "notify-email,events-log,warm-catalogue",
            "ORDERLOOM_EVENTS_LOG__PATH": str(self.folder / "events.jsonl"),
            "ORDERLOOM_NOTIFY_EMAIL__DOMAIN": "shop.example",
            "ORDERLOOM_DELIVERY_LEASE_SECONDS": str(self.lease),
            "ORDERLOOM_CALL_DEADLINE_SECONDS": str(self.lease * 0.75),
            "ORDERLOOM_DELIVERY_RETRIES": "0.2,0.2,0.2",
            "EMAIL_URL": f"smtp://127.0.0.1:{self.port}",
            "DEFAULT_FROM_EMAIL": "shop@shop.example",
        }

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def order(self, *keys: str) -> None:
        self.manage("shell", "-v", "0", "-c", f"KEYS = {keys!r}\n{ORDER}")

    def relay(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.manage("relay", "--once", "--json"))
        return said

    def logged(self) -> list[dict[str, Any]]:
        path = self.folder / "events.jsonl"
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database that is ready for copies."""
    folder = tmp_path_factory.mktemp("migrated")
    Installation(folder, Sink(), 25).manage("migrate", "-v", "0")
    return folder / "orderloom.sqlite3"


@pytest.fixture
def installation(tmp_path: Path, migrated: Path) -> Iterator[Installation]:
    sink = Sink()
    server = FreePort(sink, hostname="127.0.0.1", port=0)
    server.start()
    shutil.copy(migrated, tmp_path)
    yield Installation(tmp_path, sink, server.port)
    server.stop()


def test_an_order_reaches_the_customer_and_the_log_once(installation: Installation) -> None:
    installation.order("k-1")

    first = installation.relay()
    second = installation.relay()

    (mail,) = installation.sink.mails
    body = mail.get_body(("plain",))
    assert body is not None
    assert "Dear Ada Canary," in body.get_content()
    assert re.fullmatch(r"Your order [0-9A-Z]{5}-[0-9A-Z]{5}", mail["Subject"])
    assert mail["Message-ID"].strip().endswith("@shop.example>")
    assert [line["hook"] for line in installation.logged()] == ["product_changed", "order_placed"]
    assert "anary" not in (installation.folder / "events.jsonl").read_text("utf-8")
    assert first["left"] == {"events": 0, "pending": 0, "dead": 0}
    assert (second["events"], second["done"]) == (0, 0)


def test_a_relay_killed_between_the_mail_and_its_acknowledgement_sends_it_again_under_its_id(
    installation: Installation,
) -> None:
    installation.order("k-1")
    installation.lease = 4.0
    killed = threading.Event()
    installation.sink.answer = lambda: "250 OK" if killed.wait(20) else "451 never killed"

    relay = installation.begin("relay")
    assert installation.sink.arrived.wait(20)
    relay.send_signal(signal.SIGKILL)
    relay.communicate()
    killed.set()
    installation.sink.answer = lambda: "250 OK"
    time.sleep(installation.lease + 0.1)
    after = installation.relay()

    assert after["left"] == {"events": 0, "pending": 0, "dead": 0}
    assert len(installation.sink.mails) == 2
    assert len({mail["Message-ID"] for mail in installation.sink.mails}) == 1


def test_a_server_that_refuses_for_now_gets_the_mail_later(installation: Installation) -> None:
    installation.order("k-1")
    answers = iter(["451 try later", "250 OK"])
    installation.sink.answer = lambda: next(answers)

    first = installation.relay()
    time.sleep(0.5)
    second = installation.relay()

    assert (first["put_off"], first["left"]["pending"]) == (1, 1)
    assert second["left"] == {"events": 0, "pending": 0, "dead": 0}
    assert len(installation.sink.mails) == 2


def test_a_relay_that_is_told_to_stop_finishes_and_ends(installation: Installation) -> None:
    relay = installation.begin("relay", "--json")
    installation.order("k-1")
    assert installation.sink.arrived.wait(20)

    relay.send_signal(signal.SIGTERM)
    out, _ = relay.communicate(timeout=10)

    assert relay.returncode == 0
    assert json.loads(out)["left"] == {"events": 0, "pending": 0, "dead": 0}


def test_two_relays_send_no_mail_twice(installation: Installation) -> None:
    installation.order(*(f"k-{number}" for number in range(20)))

    relays = [installation.begin("relay", "--once", "--json") for _ in range(2)]
    for relay in relays:
        relay.communicate(timeout=60)
    installation.relay()

    ids = [mail["Message-ID"] for mail in installation.sink.mails]
    assert len(ids) == len(set(ids)) == 20
    hooks = [line["hook"] for line in installation.logged()]
    assert hooks.count("order_placed") == 20


def test_caches_are_warmed_by_command(installation: Installation) -> None:
    installation.order()

    (said,) = json.loads(installation.manage("warm_caches", "--json"))

    assert (said["namespace"], said["loaded"], said["complete"]) == ("product", 1, True)

"""A whole shop in processes of its own: database, server, relay, and the sandbox's providers."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any, Self

from sandbox_gateways.process import SandboxProcess

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RunningShop:
    """Use it as a context manager: `url` is the shop, `sandbox` the providers and their ledger."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sandbox = SandboxProcess(folder / "ledger.sqlite3")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = os.environ | self._settings()
        self._processes: list[subprocess.Popen[bytes]] = []

    def _settings(self) -> dict[str, str]:
        stripe, paypal = "ORDERLOOM_PAYMENT_STRIPE_LIKE__", "ORDERLOOM_PAYMENT_PAYPAL_LIKE__"
        return {
            "DJANGO_SETTINGS_MODULE": "core.project.settings",
            "DATABASE_URL": f"sqlite:///{self.folder / 'shop.sqlite3'}",
            "ORDERLOOM_DATA": str(self.folder),
            "DEBUG": "1",
            "ORDERLOOM_SANDBOX": "1",
            f"{stripe}BASE": self.sandbox.base,
            f"{stripe}API_KEY": "sk_sandbox",
            f"{stripe}WEBHOOK_SECRETS": "whsec_sandbox",
            f"{paypal}BASE": self.sandbox.base,
            f"{paypal}CLIENT_ID": "sandbox",
            f"{paypal}CLIENT_SECRET": "sandbox",
            f"{paypal}WEBHOOK_ID": "WH-SANDBOX",
        }

    def __enter__(self) -> Self:
        self._run("manage.py", "migrate", "-v0")
        self._run("-m", "tests.browser.furnish")
        self._start("manage.py", "runserver", "--noreload", f"127.0.0.1:{self.port}")
        self._start("manage.py", "relay")
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(timeout=15)
        self.sandbox.stop()

    def _run(self, *arguments: str) -> None:
        subprocess.run([sys.executable, *arguments], check=True, cwd=ROOT, env=self.environment)

    def _start(self, *arguments: str) -> None:
        log = (self.folder / "processes.log").open("ab")
        started = subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, env=self.environment, stdout=log, stderr=log
        )
        log.close()
        self._processes.append(started)

    def _wait(self) -> None:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                urllib.request.urlopen(f"{self.url}/livez", timeout=1).close()
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
            else:
                return
        raise RuntimeError((self.folder / "processes.log").read_text(encoding="utf-8")[-3000:])

    def taken(self) -> int:
        """Count what the providers' own ledger says was taken."""
        done = {"succeeded", "COMPLETED"}
        charges: list[dict[str, Any]] = self.sandbox.control("GET ledger")["charges"]
        return sum(charge["status"] in done for charge in charges)

    def orders(self) -> int:
        """Count the orders in the database, past the application."""
        with closing(sqlite3.connect(self.folder / "shop.sqlite3")) as database:
            return int(database.execute("SELECT count(*) FROM orderloom_order").fetchone()[0])

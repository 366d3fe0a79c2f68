"""Runs the sandbox as a process of its own and speaks to its control API: for tests."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit


class SandboxProcess:
    """A running sandbox; use it as a context manager. ``base`` is its address."""

    def __init__(self, ledger: Path, *arguments: str, port: int = 0) -> None:
        command = [sys.executable, "-m", "sandbox_gateways", "--port", str(port)]
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [*command, "--ledger", str(ledger), *arguments], stdout=subprocess.PIPE, text=True
        )
        if self._process.stdout is None:
            raise RuntimeError("the sandbox has no output")
        self.base = self._process.stdout.readline().strip()
        if not self.base:
            raise RuntimeError(f"the sandbox ended with {self._process.wait()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def control(self, line: str, **said: Any) -> Any:
        """Ask the control API, e.g. ``control("POST faults", match="POST .*", do="drop")``."""
        method, _, name = line.partition(" ")
        status, _, body = self.request(method, f"/control/{name}", json.dumps(said))
        answer = json.loads(body)
        if status != 200:
            raise RuntimeError(f"{line}: {answer}")
        return answer

    def tidy(self) -> None:
        """Forget faults, addresses of webhooks and options, so that the next test finds none."""
        self.control("DELETE faults")
        self.control("DELETE webhooks")
        self.control("POST options", refund_status="SUCCEEDED")

    def click(self, url: str) -> str:
        """Do what a willing customer does on a page; return where they come back to."""
        return str(self.control("POST click", url=url)["return_url"])

    def browse(self, url: str, **form: str) -> tuple[int, str, str]:
        """Open a page, or send its form; return status, where it sends the browser, and HTML."""
        from_here = url.removeprefix(self.base)
        body = "&".join(f"{name}={value}" for name, value in form.items())
        status, headers, page = self.request("POST" if form else "GET", from_here, body)
        return status, headers.get("location", ""), page

    def request(
        self, method: str, path: str, body: str = "", **headers: str
    ) -> tuple[int, dict[str, str], str]:
        """Send one request; return status, headers in lower case, and body."""
        connection = http.client.HTTPConnection(urlsplit(self.base).netloc, timeout=20)
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, named, answer.read().decode()
        finally:
            connection.close()

"""A server for one computer: granian where it is installed, else Django's own, threaded."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener
from wsgiref.simple_server import WSGIRequestHandler

from django.core.servers.basehttp import ThreadedWSGIServer
from django.core.wsgi import get_wsgi_application

_APPLICATION: Final = "core.project.wsgi:application"
_THREADS: Final = 4
_SECONDS: Final = 10.0
_OPENER = build_opener(ProxyHandler({}))

Alive = Callable[[], bool]


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - wsgiref's name
        """Stay silent: the middleware logs what matters."""


@contextmanager
def served_here(host: str, port: int) -> Iterator[Alive]:
    """Serve from a thread of this process; yields whether it still runs."""
    server = ThreadedWSGIServer((host, port), _Quiet)
    server.set_app(get_wsgi_application())
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield thread.is_alive
    finally:
        server.shutdown()
        server.server_close()
        thread.join(_SECONDS)


@contextmanager
def served_beside(host: str, port: int) -> Iterator[Alive]:
    """Serve with granian, one worker, tethered to our life; yields whether it still runs."""
    program = subprocess.Popen(  # noqa: S603 - our own words
        [
            sys.executable,
            *("-m", "core.project.tether", sys.executable),
            *("-m", "granian", "--interface", "wsgi", "--no-ws", "--workers", "1"),
            *("--blocking-threads", str(_THREADS), "--log-level", "warning"),
            *("--host", host, "--port", str(port), _APPLICATION),
        ],
        stdin=subprocess.PIPE,
    )
    assert program.stdin is not None
    try:
        yield lambda: program.poll() is None
    finally:
        program.stdin.close()
        try:
            program.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()


served = served_beside if find_spec("granian") else served_here


def wait_until_ready(host: str, port: int, alive: Alive, *, seconds: float = 20.0) -> None:
    """Return once a server answers.

    Raises:
        OSError: it didn't, in that time.
    """
    until = time.monotonic() + seconds
    while alive() and time.monotonic() < until:
        try:
            with _OPENER.open(f"http://{host}:{port}/livez", timeout=seconds):
                return
        except HTTPError:
            return  # it answers
        except (URLError, OSError):
            time.sleep(0.02)
    raise OSError(f"the server on port {port} doesn't answer")

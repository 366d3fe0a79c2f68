"""A server for one computer: granian where it is installed, else Django's own, threaded."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from typing import Any, Final, Self
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener
from wsgiref.simple_server import WSGIRequestHandler

from django.core.servers.basehttp import ThreadedWSGIServer
from django.core.wsgi import get_wsgi_application

_APPLICATION: Final = "core.project.wsgi:application"
_THREADS: Final = 4
_OPENER = build_opener(ProxyHandler({}))


class Server:
    """A server that is running until it is left."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to listen."""
        raise NotImplementedError

    def stop(self) -> None:
        """Finish what was begun, and end."""
        raise NotImplementedError

    def alive(self) -> bool:
        """Say whether it still runs."""
        raise NotImplementedError

    def wait_until_ready(self, *, seconds: float = 20.0) -> None:
        """Return once it answers.

        Raises:
            OSError: it didn't, in that time.
        """
        until = time.monotonic() + seconds
        while self.alive() and time.monotonic() < until:
            try:
                with _OPENER.open(f"http://{self.host}:{self.port}/livez", timeout=seconds):
                    return
            except HTTPError:
                return  # it answers
            except (URLError, OSError):
                time.sleep(0.02)
        raise OSError(f"the server on port {self.port} doesn't answer")


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - wsgiref's name
        """Stay silent: the middleware logs what matters."""


class ThreadServer(Server):
    """Django's threaded server, in a thread of this process."""

    def start(self) -> None:
        """Listen, and answer in a thread."""
        self._server = ThreadedWSGIServer((self.host, self.port), _Quiet)
        self._server.set_app(get_wsgi_application())
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Answer what has come in, and end."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5.0)

    def alive(self) -> bool:
        """Say whether its thread runs."""
        return self._thread.is_alive()


class GranianServer(Server):
    """Granian with one worker, as a process of its own."""

    def start(self) -> None:
        """Run it; it listens once its worker has loaded the house."""
        self._process = subprocess.Popen(  # noqa: S603 - our own words
            [
                sys.executable,
                *("-m", "granian", "--interface", "wsgi", "--no-ws", "--workers", "1"),
                *("--blocking-threads", str(_THREADS), "--log-level", "warning"),
                *("--host", self.host, "--port", str(self.port), _APPLICATION),
            ]
        )

    def stop(self) -> None:
        """Let it finish, or end it after ten seconds."""
        self._process.terminate()
        try:
            self._process.wait(10.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def alive(self) -> bool:
        """Say whether it runs."""
        return self._process.poll() is None


def server_for(host: str, port: int) -> Server:
    """Return the server that suits what is installed."""
    return (GranianServer if find_spec("granian") else ThreadServer)(host, port)


def is_free(host: str, port: int) -> bool:
    """Say whether nobody listens on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port

"""An HTTP server for tests that really listens, keeps what it is sent, and can behave badly."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

__all__ = ["Received", "Receiver", "receiving"]

_PATIENCE: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request as it came in, names of headers in lower case, and the status it was answered."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    answered: int


@dataclass(slots=True)
class Receiver:
    """What was received, and how the next request is answered.

    While `silent` a request is kept, and no answer comes.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    url: str = ""
    requests: list[Received] = field(default_factory=list)
    _speaks: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._speaks.set()

    @property
    def silent(self) -> bool:
        """Whether it keeps its answers to itself."""
        return not self._speaks.is_set()

    @silent.setter
    def silent(self, value: bool) -> None:
        if value:
            self._speaks.clear()
        else:
            self._speaks.set()

    def may_answer(self) -> bool:
        """Wait until it speaks again; say whether it spoke from the beginning."""
        spoke = self._speaks.is_set()
        self._speaks.wait(_PATIENCE)
        return spoke


@contextmanager
def receiving(receiver: Receiver) -> Iterator[Receiver]:
    """Serve on a free port of 127.0.0.1; `receiver.url` says where."""

    class Handler(BaseHTTPRequestHandler):
        """Hands every request to the receiver."""

        def handle_one_request(self) -> None:
            """Take whatever method comes."""
            self.raw_requestline = self.rfile.readline(65_537)
            if self.raw_requestline and self.parse_request():
                _take(receiver, self)
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.silent = False
        server.shutdown()
        server.server_close()
        thread.join()


def _take(receiver: Receiver, request: BaseHTTPRequestHandler) -> None:
    length = int(request.headers.get("Content-Length") or 0)
    receiver.requests.append(
        Received(
            method=request.command,
            path=request.path,
            headers={name.lower(): text for name, text in request.headers.items()},
            body=request.rfile.read(length),
            answered=receiver.status,
        )
    )
    if receiver.may_answer():
        request.send_response(receiver.status)
        for name, text in receiver.headers.items():
            request.send_header(name, text)
        request.send_header("Content-Length", str(len(receiver.body)))
        request.end_headers()
        request.wfile.write(receiver.body)

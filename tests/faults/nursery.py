"""A process that has loaded Django and forks children, so that a restart costs milliseconds.

Started as ``python -m tests.faults.nursery``. Each line that comes in is a JSON list of children
to be born; they begin at one moment. What goes out is one line with their process ids, then one
with what each said and how it ended.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import django

django.setup()

from django.db import connection, connections  # noqa: E402
from django.test import override_settings  # noqa: E402
from django.urls import get_resolver  # noqa: E402

from core.application.refresh_registry import forget, refresh_registry  # noqa: E402
from core.context import DEFAULT_TENANT, acting_for  # noqa: E402
from core.domain.errors import OrderloomError  # noqa: E402
from core.models import PluginGeneration  # noqa: E402
from tests.faults import acts, without  # noqa: E402

SECONDS = 60.0


def live(todo: dict[str, Any], say: Callable[[dict[str, Any]], None], go: int) -> None:
    """Be a child: take a protection away if asked to, wait for the word, act."""
    os.environ["ORDERLOOM_CRASHPOINT"] = todo.get("crash", "")
    override_settings(**todo.get("settings", {})).enable()
    for name in todo.get("without", ()):
        getattr(without, name)()
    connection.ensure_connection()
    say({"ready": os.getpid()})
    os.read(go, 1)
    time.sleep(todo.get("wait", 0.0))
    try:
        with acting_for(DEFAULT_TENANT):
            getattr(acts, todo["act"])(say, **todo.get("given", {}))
    except OrderloomError as refused:
        say({"refused": refused.code})
    except Exception as error:  # noqa: BLE001 - the test has to see whatever it was
        say({"broke": f"{type(error).__name__}: {error}"})


def bear(todo: dict[str, Any], go: tuple[int, int]) -> tuple[int, int]:
    """Fork a child; return its process id and the end of the pipe on which it speaks."""
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        return pid, read
    os.close(read)
    os.close(go[1])
    os.dup2(2, 1)

    def say(what: dict[str, Any]) -> None:
        os.write(write, json.dumps(what).encode() + b"\n")

    try:
        live(todo, say, go[0])
    finally:
        os._exit(0)


def family(todos: list[dict[str, Any]], tell: Callable[[Any], None]) -> list[dict[str, Any]]:
    """Let children be born, begin together and end; say what became of each."""
    warm()
    go = os.pipe()
    born = [bear(todo, go) for todo in todos]
    heard: dict[int, bytes] = {read: b"" for _, read in born}
    for _, read in born:
        heard[read] += os.read(read, 65_536)  # it is ready, or dead
    tell([pid for pid, _ in born])
    for end in go:
        os.close(end)
    listen(heard)
    results = []
    for pid, read in born:
        os.close(read)
        if time.monotonic() > _until[0]:
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        said = [json.loads(line) for line in heard[read].splitlines()]
        results.append({"signal": status & 0x7F, "said": said[1:]})
    return results


_until = [0.0]


def listen(heard: dict[int, bytes]) -> None:
    """Hear the children out, until all have ended or the deadline is over."""
    _until[0] = time.monotonic() + SECONDS
    with selectors.DefaultSelector() as selector:
        for read in heard:
            selector.register(read, selectors.EVENT_READ)
        while selector.get_map() and (left := _until[0] - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                piece = os.read(key.fd, 65_536)
                heard[key.fd] += piece
                if not piece:
                    selector.unregister(key.fd)


def warm() -> None:
    """Know the plugins, so that no child has to ask first; children open connections of their own.

    Anew where a test has emptied the database: generations count from 0 again.
    """
    with acting_for(DEFAULT_TENANT):
        if not PluginGeneration.objects.exists():
            forget()
        refresh_registry()
    assert get_resolver().url_patterns  # what a web server reads at its first request
    connections.close_all()


def main() -> None:
    """Warm up, then serve until the input ends."""
    warm()

    def tell(what: Any) -> None:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()

    tell("ready")
    for line in sys.stdin:
        tell(family(json.loads(line), tell))


if __name__ == "__main__":
    main()

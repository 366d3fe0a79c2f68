"""The shop's WSGI application without its protection: it answers first and commits afterwards."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from django.db import connection

from core.project.wsgi import application as sound

LATE = 0.4
connection.settings_dict["AUTOCOMMIT"] = False  # of every connection, whichever thread opens it


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Do the work in a thread that nobody waits for; hand its answer on before it is kept."""
    answered = threading.Event()
    answer: dict[str, Any] = {}

    def work() -> None:
        def started(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            answer["status"], answer["headers"] = status, headers

        answer["body"] = list(sound(environ, started))
        answered.set()
        time.sleep(LATE)
        connection.commit()
        connection.close()

    threading.Thread(target=work, daemon=True).start()
    answered.wait()
    start_response(answer["status"], answer["headers"])
    return list(answer["body"])

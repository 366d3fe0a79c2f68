"""The first half of `up`: start what settings depend on, then start over with them."""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from core.management.own_shop import own_shop
from core.management.sandbox import Sandbox, sandbox_packages

_SELF: Final = "_ORDERLOOM_UP"
"""What the first self leaves in the environment for the second."""

_SANDBOX_PORT: Final = 8001


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What was begun: the sandboxes that run, the port to serve on, a folder to throw away."""

    sandboxes: tuple[Sandbox, ...]
    port: int
    folder: str


def begun() -> Begun | None:
    """Return what the first self began, or None where this is the first self."""
    left = os.environ.pop(_SELF, "")
    if not left:
        return None
    said: dict[str, Any] = json.loads(left)
    sandboxes = tuple(Sandbox(**one) for one in said.pop("sandboxes"))
    return Begun(sandboxes=sandboxes, **said)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that both halves understand."""
    parser.add_argument("--once", action="store_true", help="buy, tell, and end")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)


def begin(arguments: Sequence[str], *, share: Callable[[Mapping[str, str]], object]) -> None:
    """Start the sandboxes and become the second self; before Django loads, to save doing it twice.

    `share` hears what commands beside this one have to know.

    Returns only in the second self, and where somebody asks for help.

    Raises:
        SystemExit: in words, where this is no computer of one's own, or the port is taken.
    """
    if _SELF in os.environ or {"-h", "--help"} & set(arguments):
        return
    parser = argparse.ArgumentParser(add_help=False)
    add_arguments(parser)
    options, _ = parser.parse_known_args(arguments)
    if not settings.DEBUG:
        sys.exit("`up` is for a computer of your own: say `make run`, or DEBUG=1.")
    if not options.once and not _is_free(options.host, options.port):
        sys.exit(f"Port {options.port} is taken: {_another(options.port)}.")
    if options.once:
        environment = _once(options.host)
    else:
        environment = _lasting(options.host, options.port, share)
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)  # noqa: S606


def _another(port: int) -> str:
    return f'choose another one with `make run ARGS="--port {port + 10}"`'


def _lasting(host: str, port: int, share: Callable[[Mapping[str, str]], object]) -> dict[str, str]:
    preferred = _SANDBOX_PORT if _is_free("127.0.0.1", _SANDBOX_PORT) else 0
    sandboxes, given = _sandboxes(settings.ORDERLOOM_DATA, preferred)
    address = {"ORDERLOOM_PUBLIC_URL": f"http://{host}:{port}"}
    environment = given | address | dict(os.environ)
    share({name: environment[name] for name in given | address})
    return environment | _left(sandboxes, port, "")


def _once(host: str) -> dict[str, str]:
    """A shop of its own, whatever else runs here; its sandbox's settings go before yours."""
    folder = Path(tempfile.mkdtemp(prefix="once-", dir=settings.ORDERLOOM_DATA))
    port = _free_port(host)
    sandboxes, given = _sandboxes(folder, 0)
    own = {
        "ORDERLOOM_PUBLIC_URL": f"http://{host}:{port}",
        "LOG_LEVEL": os.environ.get("LOG_LEVEL", given["LOG_LEVEL"]),
    }
    kept = own_shop(dict(os.environ) | given, folder, settings.ORDERLOOM_DISCOVERED)
    return kept | own | _left(sandboxes, port, str(folder))


def _sandboxes(folder: Path, port: int) -> tuple[list[Sandbox], dict[str, str]]:
    started = [
        Sandbox.start(package, port=port, folder=folder / "sandbox")
        for package in sandbox_packages(settings.ORDERLOOM_DISCOVERED)
    ]
    given = {"LOG_LEVEL": "WARNING"}
    for sandbox in started:
        given |= sandbox.environment()
    return started, given


def _left(sandboxes: list[Sandbox], port: int, folder: str) -> dict[str, str]:
    said = {"sandboxes": [asdict(one) for one in sandboxes], "port": port, "folder": folder}
    return {_SELF: json.dumps(said)}


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port

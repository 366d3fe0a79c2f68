"""`python -m core.project.tether PROGRAM …`: run it until our standard input ends, and no longer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Final

__all__ = ["main"]

_SECONDS: Final = 5.0


def main(arguments: list[str]) -> int:
    """Run a program; end it and all it started when whoever started us has gone, however."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever holds our input
    program = subprocess.Popen(  # noqa: S603 - our own words
        arguments, stdin=subprocess.DEVNULL, start_new_session=True
    )
    signal.signal(signal.SIGTERM, lambda *_: program.terminate())
    threading.Thread(target=_end_with_input, args=(program,), daemon=True).start()
    try:
        return program.wait()
    finally:
        with suppress(ProcessLookupError):  # workers whose master was killed
            os.killpg(program.pid, signal.SIGKILL)


def _end_with_input(program: subprocess.Popen[bytes]) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    program.terminate()
    try:
        program.wait(_SECONDS)
    except subprocess.TimeoutExpired:
        program.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

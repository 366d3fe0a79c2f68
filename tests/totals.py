"""Add up what the passes of `make test` counted, and end with one line that says so."""

from __future__ import annotations

import json
import sys
from pathlib import Path

PASSES = ("sqlite", "postgres")
FOLDER = Path("var/tests")


def main(folder: Path) -> int:
    """Print each pass and their sum; return 1 where a pass failed, broke off or is missing."""
    passed = failed = 0
    complete = True
    others = {path.stem for path in folder.glob("*.json")} - set(PASSES)
    for kind in (*PASSES, *sorted(others)):
        path = folder / f"{kind}.json"
        if not path.is_file():
            print(f"{kind}: broke off before its end")
            complete = False
            continue
        counts = json.loads(path.read_text(encoding="utf-8"))
        bad = counts["failed"] + counts["error"]
        print(f"{kind}: {counts['passed']} passed, {bad} failed")
        passed, failed = passed + counts["passed"], failed + bad
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0 or not complete)


if __name__ == "__main__":
    sys.exit(main(FOLDER))

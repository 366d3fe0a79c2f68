"""Mutate what decides about money, run the tests that cover it, and judge what survived.

Started as ``python -m tests.mutation ROOM [--sample N] [--seed WORD]``; ``rooms.toml`` says what a
room is. A sample is drawn from all its mutants, so that what takes a night can be estimated in an
hour. ``survivors.toml`` knows a mutant by the line that was changed: names change with the code.

mutmut reads its configuration from where it runs: each room is given a folder of its own, in which
our sources lie as links, and a configuration that is made there.
"""

from __future__ import annotations

import argparse
import fnmatch
import importlib
import json
import os
import random
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.house.tree import ROOT

LEAST = 0.9
"""The part of a module's mutants that must be noticed."""
HERE = Path(__file__).parent
WORK = ROOT / "var" / "mutation"
_LINKED = ("core", "tests", "plugins", "docs", "hookspecs.py", "manage.py")
_PLUGINS = 'pytest_plugins = ["tests.session", "tests.mutation.databases"]\n'
_SURVIVED, _UNCOVERED = 0, 33  # how a run of the tests ended, in mutmut's words


def main(asked: Sequence[str] | None = None) -> int:
    """Run a room, print a score per module and every survivor; 1 where that isn't good enough."""
    rooms = tomllib.loads((HERE / "rooms.toml").read_text("utf-8"))
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("room", choices=rooms)
    parser.add_argument("--sample", type=int, default=0, help="how many of the mutants; 0: all")
    parser.add_argument("--seed", default="0", help="of the sample")
    parser.add_argument("--judge", action="store_true", help="judge the last run once more")
    given = parser.parse_args(asked)
    folder = WORK / given.room
    if not given.judge:
        furnish(folder, **rooms[given.room])
        names = []
        if given.sample:
            _mutmut(folder, "no.such.*")  # writes the mutants, and finds which test covers what
            names = sample(folder, given.sample, given.seed)
        _mutmut(folder, *names)
    os.chdir(folder)  # where mutmut looks for its files
    return judged(folder)


def furnish(folder: Path, *, mutate: list[str], tests: list[str]) -> None:
    """Lay a room out: links to our sources, and mutmut's configuration."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in _LINKED:
        (folder / name).symlink_to(ROOT / name)
    (folder / "conftest.py").write_text(_PLUGINS, "utf-8")
    words = {
        "source_paths": ["core"],
        "only_mutate": mutate,
        "also_copy": [*(name for name in _LINKED if name != "core"), "conftest.py"],
        "pytest_add_cli_args_test_selection": tests,
        "pytest_add_cli_args": ["-p", "no:cacheprovider"],
        "timeout_constant": 5.0,  # seconds, and the factor after it
        "timeout_multiplier": 4.0,
    }
    lines = [f"{word} = {json.dumps(said)}" for word, said in words.items()]
    ours = (ROOT / "pyproject.toml").read_text("utf-8")
    made = "\n".join([ours, "[tool.mutmut]", *lines, "use_git_change_detection = false", ""])
    (folder / "pyproject.toml").write_text(made, "utf-8")


def sample(folder: Path, count: int, seed: str) -> list[str]:
    """Draw mutants from all there are."""
    known = sorted(name for found in results(folder).values() for name in found)
    print(f"{count} of {len(known)} mutants, again by: --sample {count} --seed {seed}")
    return random.Random(seed).sample(known, min(count, len(known)))


def results(folder: Path) -> dict[Path, dict[str, int | None]]:
    """Return, by module, how the tests of each mutant ended; None where they didn't run."""
    mutants, found = folder / "mutants", {}
    for meta in sorted(mutants.glob("core/**/*.meta")):
        ended = json.loads(meta.read_text("utf-8"))["exit_code_by_key"]
        if ended:
            found[meta.relative_to(mutants).with_suffix("")] = ended
    return found


def judged(folder: Path) -> int:
    """Print scores and survivors; return 1 where one is too low, or a survivor has no reason."""
    excused = tomllib.loads((HERE / "survivors.toml").read_text("utf-8"))["survivor"]
    whole: Counter[bool] = Counter()
    bad = False
    for path, ended in results(folder).items():
        ran = {name: code for name, code in ended.items() if code is not None}
        if not ran:
            continue
        left = list(survivors(path, ran))
        whole += Counter({True: len(ran) - len(left), False: len(left)})
        score = 1 - len(left) / len(ran)
        print(f"{score:6.1%}  {len(ran) - len(left)} of {len(ran)}  {path}")
        bad |= score < LEAST
        for name, removed, added in left:
            reason = _reason(excused, path, removed, added)
            bad |= not reason
            print(f"    {name}: {reason or 'NO REASON'}")
            if not reason:
                print(f"      - {removed}\n      + {added}")
    print(f"{whole[True]} of {whole.total()} noticed: {whole[True] / max(1, whole.total()):.1%}")
    return int(bad)


def survivors(path: Path, ran: dict[str, int | None]) -> Iterator[tuple[str, str, str]]:
    """Yield each survivor: its name, the line as it is, and the line as nobody noticed it."""
    for name, code in ran.items():
        if code in {_SURVIVED, _UNCOVERED}:
            from_here = importlib.import_module("mutmut.mutation.diff_apply")
            lines = str(from_here.get_diff_for_mutant(name, path=path)).splitlines()
            removed, added = (
                " ".join(
                    one[1:].strip() for one in lines if one.startswith(sign) and one[1:2] == " "
                )
                for sign in "-+"
            )
            yield name.rpartition(".")[2], removed, added


def _reason(excused: Sequence[dict[str, str]], path: Path, removed: str, added: str) -> str:
    for one in excused:
        same = removed == one["line"] and added == one.get("as", added)
        if same and fnmatch.fnmatch(str(path), one["path"]):
            return one["reason"]
    return ""


def _mutmut(folder: Path, *names: str) -> None:
    environment = {key: text for key, text in os.environ.items() if key != "DATABASE_URL"}
    environment |= {"ORDERLOOM_TEST_RUN": "mutation", "PYTHONWARNINGS": "ignore"}
    environment |= {"ORDERLOOM_DATA": str(folder / "data")}
    command = [sys.executable, "-m", "mutmut", "run", *names]
    subprocess.run(command, cwd=folder, env=environment, check=False)


if __name__ == "__main__":
    sys.exit(main())

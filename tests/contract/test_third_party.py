"""Third parties' suites, as the documents have them, run where the authors would run them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.authors.blocks import HERE, KINDS
from tests.prefix import Prefix

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(240)]

QUICK = ("payment",)


@pytest.mark.parametrize(
    "kind", [pytest.param(each, marks=() if each in QUICK else pytest.mark.full) for each in KINDS]
)
def test_the_plugin_of_the_documents_passes_and_reports(kind: str, tmp_path: Path) -> None:
    package = Path(shutil.copytree(HERE / kind, tmp_path / "package"))
    prefix = Prefix.made(tmp_path / "prefix")
    prefix.install(package)

    done = subprocess.run(
        [prefix.python, "-m", "pytest", "-q", "package"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    (report,) = package.glob("src/*/conformance.json")
    (suite,) = json.loads(report.read_text(encoding="utf-8"))["suites"]
    assert (suite["kind"], suite["compatible"]) == (kind, True)
    assert len(suite["passed"]) >= 15

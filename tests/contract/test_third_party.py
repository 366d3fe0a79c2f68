"""A third party's suite, as the documents have it, run where the author would run it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.authors.blocks import HERE
from tests.prefix import Prefix

pytestmark = [pytest.mark.once, pytest.mark.slow]


def test_the_plugin_of_the_documents_passes_and_reports(tmp_path: Path) -> None:
    shutil.copytree(HERE / "payment", tmp_path / "payment-invoice")
    prefix = Prefix.made(tmp_path / "prefix")
    prefix.install(tmp_path / "payment-invoice")
    command = ["-m", "pytest", "tests", "-q", "-p", "core.testing.conformance", "--rootdir=."]

    done = subprocess.run(
        [prefix.python, *command, "--conformance", "conformance.json"],
        cwd=tmp_path / "payment-invoice",
        env={
            **{name: text for name, text in os.environ.items() if name != "DATABASE_URL"},
            "DJANGO_SETTINGS_MODULE": "core.project.settings",
            "DEBUG": "1",
            "ORDERLOOM_DATA": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    (suite,) = json.loads((tmp_path / "payment-invoice" / "conformance.json").read_text())["suites"]
    assert suite["plugin"] == "payment-invoice"
    assert suite["compatible"] is True
    assert len(suite["passed"]) >= 15

"""What `plugins new` writes, and when it refuses."""

from __future__ import annotations

import ast
import json
import tomllib
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from core.domain.errors import InvalidInput
from core.hooks.discovery import BUNDLED
from core.hooks.manifest import read_manifest
from core.management.skeleton import KINDS, begin_plugin

pytestmark = pytest.mark.once


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_whole_and_holds_no_hole(kind: str, tmp_path: Path) -> None:
    made = begin_plugin("some-thing-new", kind=kind, into=tmp_path)

    assert made.folder == tmp_path / "some-thing-new"
    assert sorted(made.files) == sorted(
        str(path.relative_to(made.folder)) for path in made.folder.rglob("*") if path.is_file()
    )
    for name in made.files:
        text = (made.folder / name).read_text(encoding="utf-8")
        assert "$" not in text, name
        if name.endswith(".py"):
            ast.parse(text)
    project = tomllib.loads((made.folder / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["orderloom.plugins"] == {
        "some-thing-new": "some_thing_new.plugin"
    }
    manifest = read_manifest(
        (made.folder / "src/some_thing_new/plugin.toml").read_text(),
        name="some-thing-new",
        package="some_thing_new",
        distribution=made.distribution,
        version="0.1",
    )
    assert manifest.hooks == (KINDS[kind][0],)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Payment-Mine", "small letters"),
        ("payment_mine", "small letters"),
        ("3d-secure", "a letter first"),
        ("payment--mine", "single dashes"),
        ("-mine", "small letters"),
        ("mine-", "small letters"),
        ("../mine", "small letters"),
        ("mine\n", "small letters"),
        ("", "small letters"),
        ("x" * 61, "at most 60"),
        ("class", "word of Python"),
        ("match", "word of Python"),
        ("json", "would hide it"),
        ("django", "would hide it"),
        ("core", "would hide it"),
        ("hookspecs", "would hide it"),
        *((name.removeprefix("orderloom-"), "comes with Orderloom") for name in BUNDLED),
    ],
)
def test_a_bad_name_is_refused_with_a_reason(name: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=why):
        begin_plugin(name, kind="payment", into=tmp_path)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("there", ["folder", "empty folder", "file", "dangling link"])
def test_what_is_there_is_never_overwritten(there: str, tmp_path: Path) -> None:
    place = tmp_path / "mine"
    if there == "file":
        place.write_text("precious")
    elif there == "dangling link":
        place.symlink_to(tmp_path / "nowhere")
    else:
        place.mkdir()
        if there == "folder":
            (place / "precious").write_text("precious")
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(InvalidInput, match="is there already; nothing was written"):
        begin_plugin("mine", kind="warmer", into=tmp_path)

    assert sorted(tmp_path.rglob("*")) == before


def test_a_place_where_nothing_can_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(InvalidInput, match="can't be made"):
        begin_plugin("mine", kind="warmer", into=tmp_path / "file" / "below")


def test_the_command_says_what_to_do_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("plugins", "new", "mine", "--kind", "pricing", "--into", str(tmp_path))
    said = capsys.readouterr().out
    call_command("plugins", "new", "other", "--kind", "pricing", f"--into={tmp_path}", "--json")

    assert f"pip install -e {tmp_path / 'mine'}" in said
    assert "src/other/rule.py" in json.loads(capsys.readouterr().out)["files"]
    with pytest.raises(CommandError, match="INVALID_INPUT"):
        call_command("plugins", "new", "mine", "--kind", "pricing", "--into", str(tmp_path))

"""Export what a plugin owns: its tables as JSON lines, and its settings without their secrets."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from core.application.plan_uninstall import own_tables
from core.domain.errors import InvalidInput, NotFound
from core.hooks.registry import Registry
from core.hooks.section import FormField
from core.infrastructure.tables import rows_of

__all__ = ["Exported", "export_plugin"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """The files written, and the rows in each."""

    folder: str
    files: Mapping[str, int]


def export_plugin(name: str, *, folder: Path, plugins: Registry, now: datetime) -> Exported:
    """Write a plugin's tables, settings and description into a folder that is new or empty.

    Only its owner may read the folder: what lies in a plugin's tables is its own affair.

    Raises:
        NotFound: nobody has ever heard of such a plugin.
        InvalidInput: the folder holds something, or can't be written.

    """
    view = plugins.plugin(name)
    if view is None:
        raise NotFound(f"There is no plugin {name}.")
    settings = plugins.settings_sources.get(name, ())
    about = {
        "plugin": view.name,
        "distribution": view.distribution,
        "version": view.version,
        "exported_at": now,
        "settings": [_setting(each) for each in settings],
    }
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise InvalidInput(f"{folder} is not empty.", field="export")
        written = {table: _table(folder, table) for table in own_tables(view, plugins)}
        text = to_json(about | {"tables": written}, indent=2)
        (folder / "plugin.json").write_bytes(text + b"\n")
    except OSError as error:
        raise InvalidInput(
            f"{folder} can't be written: {error.strerror}", field="export"
        ) from error
    return Exported(
        folder=str(folder), files={f"{name}.jsonl": rows for name, rows in written.items()}
    )


def _table(folder: Path, table: str) -> int:
    count = 0
    with (folder / f"{table}.jsonl").open("wb") as file:
        for row in rows_of(table):
            file.write(to_json(row, fallback=_other) + b"\n")
            count += 1
    return count


def _other(value: Any) -> Any:
    if isinstance(value, memoryview):
        return base64.b64encode(value).decode()
    return str(value)


def _setting(each: FormField) -> dict[str, Any]:
    return {"name": each.name, "value": None if each.secret else each.value, "source": each.source}

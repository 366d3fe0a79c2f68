"""Answers and events with a value or two changed: what a liar, or a mix-up, would say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def altered(body: bytes, changes: Mapping[str, Any]) -> bytes:
    """Return a JSON body with values set at dotted paths, where those exist.

    >>> altered(b'{"a": [{"b": 1}]}', {"a.0.b": 2, "c.d": 3})
    b'{"a": [{"b": 2}]}'
    """
    try:
        document = json.loads(body)
    except ValueError:
        return body
    for path, value in changes.items():
        _set(document, path.split("."), value)
    return json.dumps(document).encode()


def _set(node: Any, steps: list[str], value: Any) -> None:
    """Follow the path; its last name may be new where what holds it is an object."""
    for step in steps[:-1]:
        node = _below(node, step)
    if isinstance(node, dict):
        node[steps[-1]] = value


def _below(node: Any, step: str) -> Any:
    if isinstance(node, list):
        return node[int(step)] if step.isdecimal() and int(step) < len(node) else None
    return node.get(step) if isinstance(node, dict) else None

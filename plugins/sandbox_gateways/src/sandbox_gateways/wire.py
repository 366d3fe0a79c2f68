"""Requests and answers of the sandbox, and how form bodies become nested values."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl


@dataclass(kw_only=True)
class Asked:
    """One HTTP request, read whole. ``base`` is the address by which the client reached us."""

    method: str
    path: str
    query_string: str
    headers: Mapping[str, str]
    body: bytes
    base: str
    pause: float = 0.0
    """A fault: how long the answer is in the making, in seconds."""
    spoil: Answer | None = None
    """A fault: what is said, and remembered, instead of the answer, though the work is done."""

    @property
    def line(self) -> str:
        """The method and path, which fault scripts match."""
        return f"{self.method} {self.path}"

    @cached_property
    def query(self) -> dict[str, Any]:
        """The query, nested as bracketed names say."""
        return nested(self.query_string)

    @cached_property
    def form(self) -> dict[str, Any]:
        """The form body, nested as bracketed names say."""
        return nested(self.body.decode("utf-8", "replace"))

    @cached_property
    def json(self) -> dict[str, Any]:
        """The JSON body; empty if it is none."""
        try:
            loaded = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return loaded if isinstance(loaded, dict) else {}

    @property
    def key(self) -> str:
        """The idempotency key, by either provider's name."""
        return self.header("idempotency-key") or self.header("paypal-request-id")

    def header(self, name: str) -> str:
        """Return a header by its lower-case name, empty if it isn't there."""
        return self.headers.get(name, "")


@dataclass(kw_only=True)
class Answer:
    """One HTTP answer."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    drip: float = 0.0
    """A fault: how long the body takes to dribble in, byte by byte, in seconds."""


def answer_json(value: Any, status: int = 200, **headers: str) -> Answer:
    """Return a JSON answer; keyword underscores become dashes in header names."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(status=status, body=json.dumps(value, indent=2).encode(), headers=named)


def answer_page(text: str, status: int = 200) -> Answer:
    """Return an HTML page that may load nothing but its own style sheet."""
    policy = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    return Answer(
        status=status,
        body=text.encode(),
        content_type="text/html; charset=utf-8",
        headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"},
    )


def answer_redirect(url: str) -> Answer:
    """Send the browser elsewhere, by GET."""
    return Answer(status=303, headers={"Location": url}, content_type="text/plain")


def nested(text: str) -> dict[str, Any]:
    """Decode ``a[b][0][c]=x``: names that are all numbers make a list, ``a[]`` appends.

    >>> nested("a[b]=1&items[0][x]=2&items[1][x]=3&expand[]=y")
    {'a': {'b': '1'}, 'items': [{'x': '2'}, {'x': '3'}], 'expand': ['y']}
    """
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        head, rest = re.match(r"([^\[]*)(.*)", name, re.DOTALL).groups()  # type: ignore[union-attr]
        keys = [head, *re.findall(r"\[([^\]]*)\]", rest)]
        node = tree
        for key, following in zip(keys, [*keys[1:], None], strict=True):
            name_here = key or str(len(node))
            if following is None:
                node[name_here] = value
            else:
                inner = node.setdefault(name_here, {})
                if not isinstance(inner, dict):
                    inner = node[name_here] = {}
                node = inner
    return {key: _with_lists(value) for key, value in tree.items()}


def _with_lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if node and all(key.isdecimal() for key in node):
        return [_with_lists(node[key]) for key in sorted(node, key=int)]
    return {key: _with_lists(value) for key, value in node.items()}

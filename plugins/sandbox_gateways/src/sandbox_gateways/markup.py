"""HTML of the sandbox: plain pages that work by keyboard, without JavaScript."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from hookspecs import Money

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Sandbox</title>
<link rel="stylesheet" href="/page.css">
</head>
<body>
<header><p class="note">Sandbox: no real money moves here.</p></header>
<main>
<h1>{title}</h1>
{content}
</main>
</body>
</html>
"""


def page(title: str, content: str) -> str:
    """Return a whole page; ``content`` is HTML already."""
    return _PAGE.format(title=escape(title), content=content)


def money(minor: int, currency: str) -> str:
    """Write an amount for people."""
    return escape(str(Money(minor, currency.upper())))


def problem(text: str) -> str:
    """Return a paragraph that says what went wrong, read out by screen readers."""
    return f'<p class="problem" role="alert">{escape(text)}</p>' if text else ""


def button(action: str, label: str, *, name: str = "do", value: str = "") -> str:
    """Return a form with nothing but a button."""
    return (
        f'<form class="inline" method="post" action="{escape(action)}">'
        f'<button name="{escape(name)}" value="{escape(value)}">{escape(label)}</button></form>'
    )


def link(url: str, text: str) -> str:
    """Return a link, or nothing where there is no address."""
    return f'<p><a href="{escape(url)}">{escape(text)}</a></p>' if url else ""


def table(caption: str, heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table; cells are HTML already."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    empty = "" if body else "<p>Nothing yet.</p>"
    return (
        f"<h2>{escape(caption)}</h2><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>{empty}"
    )

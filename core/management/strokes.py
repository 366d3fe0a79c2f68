"""The strokes that the sample pictures are made of, each a piece of SVG."""

from __future__ import annotations

__all__ = ["box", "dark", "leaf", "light", "line", "path", "shadow", "steam", "turned"]


def shadow(width: int, y: int = 326) -> str:
    """Return the shadow on which a thing stands."""
    return f'<ellipse cx="200" cy="{y}" rx="{width}" ry="11" fill="#1d2320" fill-opacity=".14"/>'


def path(d: str, fill: str, extra: str = "") -> str:
    """Return a filled outline."""
    return f'<path d="{d}" fill="{fill}"{extra}/>'


def box(x: int, y: int, width: int, height: int, fill: str, radius: int = 0) -> str:  # noqa: PLR0917 - as SVG orders them
    """Return a filled rectangle with rounded corners."""
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius}" fill="{fill}"/>'


def line(d: str, colour: str, width: int) -> str:
    """Return strokes with round ends."""
    return (
        f'<path d="{d}" fill="none" stroke="{colour}" stroke-width="{width}"'
        ' stroke-linecap="round" stroke-linejoin="round"/>'
    )


def light(d: str, opacity: str = ".2") -> str:
    """Return a light that falls on a thing."""
    return f'<path d="{d}" fill="#ffffff" fill-opacity="{opacity}"/>'


def dark(d: str, opacity: str = ".14") -> str:
    """Return a part that lies in the shade."""
    return f'<path d="{d}" fill="#10130f" fill-opacity="{opacity}"/>'


def leaf(x: int, y: int, size: int, colour: str) -> str:
    """Return a leaf that stands upright around a point."""
    s = size
    blade = f"M{x} {y + s}C{x - s} {y + s // 3} {x - s // 2} {y - s // 2} {x} {y - s}"
    return (
        path(f"{blade}C{x + s // 2} {y - s // 2} {x + s} {y + s // 3} {x} {y + s}Z", colour)
        + f'<path d="M{x} {y + s}V{y - s // 3}" stroke="#ffffff" stroke-opacity=".7" stroke-width="3"/>'
    )


def steam(x: int, y: int) -> str:
    """Return three wisps of steam that rise from a point."""
    wave = "c-14 -16 14 -28 0 -46"
    strokes = "".join(f"M{x + dx} {y}{wave}" for dx in (-34, 0, 34))
    return (
        f'<path d="{strokes}" fill="none" stroke="#ffffff" stroke-opacity=".85"'
        ' stroke-width="7" stroke-linecap="round"/>'
    )


def turned(content: str, degrees: int) -> str:
    """Return what is drawn, turned around the middle."""
    return f'<g transform="rotate({degrees} 200 200)">{content}</g>'

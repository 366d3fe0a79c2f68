"""Drawn pictures for the sample products: a kind and three colours in, an SVG document out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from core.management.strokes import box, dark, leaf, light, line, path, shadow, steam, turned

__all__ = ["KINDS", "draw"]

_COLOUR = re.compile(r"#[0-9a-f]{6}")


def draw(*, kind: str, ground: str, body: str, accent: str) -> str:
    """Return the picture of a `kind` of thing, 400 by 400 units, without script, style or links.

    Args:
        kind: one of `KINDS`.
        ground: the colour behind it, as `#rrggbb`; so are the next two.
        body: the colour of the thing.
        accent: the colour of its label, ribbon or content.

    Raises:
        ValueError: an unknown kind, or a colour that isn't six hexadecimal digits.

    """
    if kind not in KINDS:
        raise ValueError(f"no such kind of picture: {kind!r}, expected one of {sorted(KINDS)}")
    for colour in (ground, body, accent):
        if not _COLOUR.fullmatch(colour):
            raise ValueError(f"not a colour: {colour!r}, expected #rrggbb in small letters")
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400" role="img">'
        f'<rect width="400" height="400" fill="{ground}"/>'
        '<circle cx="200" cy="196" r="150" fill="#ffffff" fill-opacity=".32"/>'
        f"{KINDS[kind](body, accent)}</svg>"
    )


def _tin(body: str, accent: str) -> str:
    return (
        shadow(104)
        + box(112, 112, 176, 214, body, 14)
        + box(104, 84, 192, 50, body, 14)
        + dark("M112 134H288V146H112Z")
        + box(136, 170, 128, 116, "#fbf7ee", 8)
        + leaf(200, 226, 36, accent)
        + light("M124 92H150V326H124Z")
    )


def _pouch(body: str, accent: str) -> str:
    return (
        shadow(98)
        + path("M124 96H276L292 310Q292 326 276 326H124Q108 326 108 310Z", body)
        + path("M124 82H276V112H124Z", accent)
        + line("M132 97H268", "#ffffff", 3)
        + '<circle cx="200" cy="216" r="58" fill="#fbf7ee"/>'
        + leaf(200, 214, 34, accent)
        + dark("M262 112L276 112L292 310Q292 326 276 326H262Z", ".1")
    )


def _bowl(body: str, accent: str) -> str:
    return (
        shadow(92)
        + steam(200, 140)
        + path("M84 172H316C316 254 272 306 232 310V326H168V310C128 306 84 254 84 172Z", body)
        + f'<ellipse cx="200" cy="172" rx="116" ry="25" fill="{body}"/>'
        + '<ellipse cx="200" cy="172" rx="116" ry="25" fill="#ffffff" fill-opacity=".35"/>'
        + f'<ellipse cx="200" cy="176" rx="100" ry="18" fill="{accent}"/>'
        + light("M106 206C116 256 138 286 162 300C140 268 128 240 124 208Z")
    )


def _mug(body: str, accent: str) -> str:
    return (
        shadow(100)
        + steam(184, 122)
        + line("M268 186C338 176 338 274 264 268", body, 24)
        + path("M100 152H272V290Q272 326 236 326H136Q100 326 100 290Z", body)
        + f'<ellipse cx="186" cy="152" rx="86" ry="19" fill="{body}"/>'
        + '<ellipse cx="186" cy="152" rx="86" ry="19" fill="#ffffff" fill-opacity=".35"/>'
        + f'<ellipse cx="186" cy="155" rx="72" ry="13" fill="{accent}"/>'
        + f'<path d="M100 226H272" stroke="{accent}" stroke-width="16"/>'
        + light("M116 176H138V312Q116 306 116 286Z")
    )


def _teapot(body: str, accent: str) -> str:
    return (
        shadow(108)
        + line("M284 190C360 164 356 292 276 276", body, 20)
        + path("M128 212C96 206 96 158 58 150L50 168C72 184 74 262 134 278Z", body)
        + path(
            "M200 142C288 142 308 210 300 258Q292 326 246 326H154Q108 326 100 258C92 210 112 142 200 142Z",
            body,
        )
        + path("M136 158C150 116 250 116 264 158Z", accent)
        + f'<circle cx="200" cy="112" r="17" fill="{accent}"/>'
        + light("M128 214C124 256 134 292 152 312C112 300 106 240 128 214Z")
    )


def _kettle(body: str, accent: str) -> str:
    return (
        shadow(108)
        + line("M128 176C128 60 272 60 272 176", accent, 18)
        + path("M128 250L62 176L80 160L146 214Z", body)
        + path("M126 174H274L306 300Q310 326 284 326H116Q90 326 94 300Z", body)
        + box(158, 152, 84, 24, accent, 10)
        + light("M142 192H164L142 308H116Z")
        + dark("M94 300L306 300Q310 326 284 326H116Q90 326 94 300Z", ".12")
    )


def _whisk(body: str, accent: str) -> str:
    tines = "".join(
        f"M200 196C{x} 226 {x} 270 {x + (200 - x) // 5} 318" for x in range(132, 276, 17)
    )
    return (
        shadow(70)
        + box(174, 78, 52, 120, body, 12)
        + line(tines, body, 6)
        + box(168, 184, 64, 20, accent, 8)
        + light("M182 84H194V190H182Z", ".3")
    )


def _scoop(body: str, accent: str) -> str:
    spoon = (
        path("M186 176H214L210 338Q200 350 190 338Z", body)
        + f'<ellipse cx="200" cy="124" rx="54" ry="66" fill="{body}"/>'
        + f'<ellipse cx="200" cy="128" rx="40" ry="48" fill="{accent}"/>'
        + light("M172 106C178 88 192 80 206 80C190 92 182 108 180 132Z", ".35")
    )
    return turned(spoon, 32)


def _jar(body: str, accent: str) -> str:
    return (
        shadow(92)
        + path(
            "M130 128H270Q296 150 296 182V296Q296 326 266 326H134Q104 326 104 296V182Q104 150 130 128Z",
            body,
        )
        + box(120, 86, 160, 46, accent, 10)
        + box(138, 196, 124, 84, "#fbf7ee", 8)
        + line("M160 224H240M160 248H220", accent, 7)
        + light("M120 178Q124 156 138 148V312Q120 308 120 292Z", ".3")
    )


def _notebook(body: str, accent: str) -> str:
    book = (
        box(108, 84, 194, 240, "#fbf7ee", 12)
        + box(100, 76, 194, 240, body, 12)
        + dark("M112 76H128V316H112Q100 316 100 304V88Q100 76 112 76Z", ".18")
        + box(252, 76, 14, 240, accent)
        + box(148, 124, 84, 54, "#fbf7ee", 6)
        + line("M164 144H216M164 160H200", accent, 5)
    )
    return shadow(110, 334) + turned(book, -6)


def _pad(body: str, accent: str) -> str:
    squares = "".join(
        box(
            124 + 40 * column,
            168 + 40 * row,
            26,
            26,
            accent if (row + column) % 4 == 1 else "#e4dfd2",
            6,
        )
        for row in range(3)
        for column in range(4)
    )
    return (
        shadow(112, 318)
        + box(96, 92, 208, 222, "#fbf7ee", 12)
        + path("M108 92H292Q304 92 304 104V144H96V104Q96 92 108 92Z", body)
        + line("M140 78V106M200 78V106M260 78V106", "#2f3833", 9)
        + squares
    )


def _pen(body: str, accent: str) -> str:
    pen = (
        box(180, 58, 40, 116, body, 18)
        + box(176, 164, 48, 14, accent, 5)
        + path("M182 178H218L212 280H188Z", body)
        + path("M188 280H212L200 344Z", accent)
        + line("M200 304V336", "#2f3833", 3)
        + box(216, 76, 8, 78, accent, 4)
        + light("M188 70H197V270H190Z", ".3")
    )
    return turned(pen, 38)


def _pencils(body: str, accent: str) -> str:
    def one(x: int, colour: str) -> str:
        return (
            box(x, 132, 40, 170, colour)
            + dark(f"M{x + 27} 132H{x + 40}V302H{x + 27}Z")
            + path(f"M{x} 132L{x + 20} 78L{x + 40} 132Z", "#ecd9b6")
            + path(f"M{x + 13} 97L{x + 20} 78L{x + 27} 97Z", "#2f3833")
            + box(x, 292, 40, 14, "#c9c4b6")
            + box(x, 304, 40, 26, "#e39a8f", 6)
        )

    return turned(one(112, body) + one(180, accent) + one(248, body), 12)


def _ink(body: str, accent: str) -> str:
    return (
        shadow(100)
        + path("M158 148H242L300 214V300Q300 326 274 326H126Q100 326 100 300V214Z", "#eef2f2")
        + path("M112 226H288V298Q288 314 272 314H128Q112 314 112 298Z", body)
        + box(150, 84, 100, 68, "#2f3833", 12)
        + box(144, 232, 112, 58, "#fbf7ee", 6)
        + f'<circle cx="200" cy="261" r="17" fill="{accent}"/>'
        + light("M166 158H182L128 220V300H116V216Z", ".6")
    )


def _envelope(body: str, accent: str) -> str:
    letter = (
        box(92, 96, 196, 150, "#fbf7ee", 8)
        + line("M120 130H240M120 152H216", "#c9c4b6", 6)
        + box(84, 150, 232, 158, body, 12)
        + dark("M84 296L178 222H222L316 296Q316 308 304 308H96Q84 308 84 296Z", ".1")
        + light("M84 162Q84 150 96 150H304Q316 150 316 162L212 240Q200 248 188 240Z", ".35")
        + f'<circle cx="200" cy="232" r="23" fill="{accent}"/>'
        + leaf(200, 231, 12, "#ffffff")
    )
    return shadow(112, 324) + turned(letter, -4)


def _tape(body: str, accent: str) -> str:
    def roll(x: int, y: int, colour: str, stripe: str) -> str:
        return (
            f'<circle cx="{x}" cy="{y}" r="76" fill="{colour}"/>'
            f'<circle cx="{x}" cy="{y}" r="62" fill="none" stroke="{stripe}" stroke-width="9"'
            ' stroke-dasharray="15 14"/>'
            f'<circle cx="{x}" cy="{y}" r="41" fill="#fbf7ee"/>'
            f'<circle cx="{x}" cy="{y}" r="32" fill="#d8d0bf"/>'
        )

    return shadow(112, 316) + roll(152, 176, accent, body) + roll(244, 232, body, accent)


def _gift(body: str, accent: str) -> str:
    return (
        shadow(112)
        + box(104, 176, 192, 150, body, 10)
        + box(92, 142, 216, 50, body, 10)
        + dark("M104 192H296V202H104Z")
        + box(184, 142, 32, 184, accent)
        + path("M200 142C150 138 128 104 148 88C172 72 198 112 200 142Z", accent)
        + path("M200 142C250 138 272 104 252 88C228 72 202 112 200 142Z", accent)
    )


def _candle(body: str, accent: str) -> str:
    return (
        shadow(88)
        + path("M200 70C226 104 228 124 200 140C172 124 174 104 200 70Z", accent)
        + line("M200 132V164", "#2f3833", 6)
        + box(120, 160, 160, 166, body, 16)
        + '<ellipse cx="200" cy="164" rx="80" ry="17" fill="#fbf7ee"/>'
        + box(148, 222, 104, 58, "#fbf7ee", 6)
        + line("M168 243H232M168 260H212", accent, 6)
        + light("M132 186H150V314H132Z", ".22")
    )


def _stamps(body: str, accent: str) -> str:
    def stamp(colour: str, veins: str) -> str:
        return (
            box(128, 92, 144, 190, "#fbf7ee", 4)
            + '<rect x="128" y="92" width="144" height="190" fill="none" stroke="#fbf7ee"'
            ' stroke-width="13" stroke-dasharray="0 19" stroke-linecap="round"/>'
            + box(144, 108, 112, 158, colour)
            + leaf(200, 190, 48, veins)
        )

    return shadow(108, 318) + turned(stamp(accent, body), 13) + turned(stamp(body, accent), -8)


# fmt: off
_THINGS = (_bowl, _candle, _envelope, _gift, _ink, _jar, _kettle, _mug, _notebook, _pad, _pen,
    _pencils, _pouch, _scoop, _stamps, _tape, _teapot, _tin, _whisk)
# fmt: on
KINDS: Mapping[str, Callable[[str, str], str]] = {
    thing.__name__.removeprefix("_"): thing for thing in _THINGS
}

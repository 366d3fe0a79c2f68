"""What all pages share: headers, languages, and no code within the page."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.test import Client

import storefront

PACKAGE = Path(storefront.__file__).parent
PAGES = ("/", "/products/A1/", "/basket/", "/checkout/", "/order/id0/t0ken/", "/products/NONE/")


@pytest.mark.parametrize("at", PAGES)
def test_a_page_holds_no_code_and_asks_no_other_host(placed: str, visitor: Client, at: str) -> None:
    visitor.post("/basket/", {"do": "add", "sku": "A1", "quantity": "1"})

    answer = visitor.get(at)

    page = answer.content.decode()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*src=)", page)
    assert not re.search(r'(src|href)="(https?:)?//', page)
    assert "script-src 'self';" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert answer["Cache-Control"] == "private, no-store"


def test_every_input_that_people_see_has_a_label(placed: str, visitor: Client) -> None:
    visitor.post("/basket/", {"do": "add", "sku": "A1", "quantity": "1"})

    for at in PAGES:
        page = visitor.get(at).content.decode()
        labelled = set(re.findall(r'<label[^>]* for="([^"]+)"', page))
        bare = re.sub(r"<label.*?</label>", "", page, flags=re.DOTALL)
        for control in re.findall(r"<(?:input|select)[^>]*>", bare):
            name = re.search(r' id="([^"]+)"', control)
            assert 'type="hidden"' in control or (name and name[1] in labelled), (at, control)


def test_it_speaks_german(visitor: Client) -> None:
    visitor.post("/basket/", {"do": "add", "sku": "A1", "quantity": "1"})

    page = visitor.get("/basket/", headers={"Accept-Language": "de"}).content.decode()

    assert '<html lang="de">' in page
    assert "Ihr Warenkorb" in page
    assert "10,00\N{NO-BREAK SPACE}€" in page


def test_a_chosen_language_is_remembered(visitor: Client) -> None:
    answer = visitor.post("/language/", {"language": "de", "next": "/basket/"})

    assert answer["Location"] == "/basket/"
    assert '<html lang="de">' in visitor.get("/").content.decode()


@pytest.mark.parametrize("back", ["https://elsewhere.example/", "//elsewhere.example", ""])
def test_choosing_a_language_leads_nowhere_else(visitor: Client, back: str) -> None:
    answer = visitor.post("/language/", {"language": "xx", "next": back})

    assert answer["Location"] == "/"
    assert not answer.cookies


def test_every_sentence_is_translated_and_compiled() -> None:
    source = PACKAGE / "locale/de/LC_MESSAGES/django.po"
    catalogue = read_po(io.BytesIO(source.read_bytes()), locale="de")
    compiled = read_mo(io.BytesIO(source.with_suffix(".mo").read_bytes()))

    missing = [message.id for message in catalogue if message.id and not message.string]
    other = [m.id for m in catalogue if m.id and compiled.get(m.id).string != m.string]
    assert not missing
    assert not other


def test_every_sentence_of_templates_is_in_the_catalogue() -> None:
    source = PACKAGE / "locale/de/LC_MESSAGES/django.po"
    known = {message.id for message in read_po(io.BytesIO(source.read_bytes()), locale="de")}

    for template in (PACKAGE / "templates").rglob("*.html"):
        written = template.read_text(encoding="utf-8")
        said = re.findall(r"{% translate \"([^\"]+)\"|{% translate '([^']+)'", written)
        assert {one or other for one, other in said} <= known, template.name


def test_the_style_sheet_stays_small() -> None:
    lines = (PACKAGE / "static/storefront/shop.css").read_text(encoding="utf-8").splitlines()

    assert len(lines) <= 400


def test_htmx_comes_from_here(visitor: Client) -> None:
    answer = visitor.get("/assets/htmx.js")

    assert answer["Content-Type"].startswith("text/javascript")
    assert b"htmx" in answer.content

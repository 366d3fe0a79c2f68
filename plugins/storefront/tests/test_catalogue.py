"""The shelves, a product, and its picture."""

from __future__ import annotations

import pytest
from django.test import Client

from hookspecs import Money, Refused
from plugins.storefront.tests.shop import MemoryShop, product


def test_it_shows_every_product_with_its_price(visitor: Client) -> None:
    page = visitor.get("/").content.decode()

    assert "Notebook" in page
    assert "€10.00" in page
    assert "Only 3 left" in page
    assert "Sold out" in page


def test_it_offers_the_categories_there_are(visitor: Client) -> None:
    page = visitor.get("/").content.decode()

    assert "?category=Paper" in page
    assert "?category=Tea" in page


def test_it_narrows_by_category_and_by_words(visitor: Client) -> None:
    by_category = visitor.get("/?category=Paper").content.decode()
    by_words = visitor.get("/?search=pot").content.decode()

    assert "Notebook" in by_category
    assert "Teapot" not in by_category
    assert "Teapot" in by_words
    assert "Notebook" not in by_words


def test_it_says_so_where_nothing_is_found_and_escapes_what_was_typed(visitor: Client) -> None:
    page = visitor.get("/", {"search": "<script>x"}).content.decode()

    assert "Nothing found" in page
    assert "<script>x" not in page


def test_it_goes_on_after_the_last_product_of_a_page(visitor: Client, shop: MemoryShop) -> None:
    shop.stock = {f"S{n:02}": product(f"S{n:02}") for n in range(30)}

    first = visitor.get("/").content.decode()
    rest = visitor.get("/?after=S23").content.decode()

    assert "?after=S23" in first
    assert "Thing S24" not in first
    assert "Thing S24" in rest
    assert "Show more" not in rest


@pytest.mark.parametrize(
    ("query", "holds", "lacks"),
    [("?after=A1", "<li", "<section"), ("?search=a", "<section", "<html")],
)
def test_it_hands_htmx_a_piece_of_the_page(
    visitor: Client, query: str, holds: str, lacks: str
) -> None:
    piece = visitor.get(f"/{query}", headers={"HX-Request": "true"}).content.decode()

    assert holds in piece
    assert lacks not in piece


def test_a_product_is_found_though_its_sku_holds_a_slash(visitor: Client) -> None:
    page = visitor.get("/products/B/2/").content.decode()

    assert "Teapot" in page
    assert 'max="3"' in page


def test_a_product_that_is_sold_out_can_not_be_chosen(visitor: Client) -> None:
    page = visitor.get("/products/C3/").content.decode()

    assert "Sold out" in page
    assert "Put into the basket" not in page


def test_an_unknown_product_is_a_page_that_says_so(visitor: Client) -> None:
    answer = visitor.get("/products/NONE/")

    assert answer.status_code == 404
    assert "Not found" in answer.content.decode()
    assert "sold any more" in answer.content.decode()


def test_the_catalogue_is_a_page_even_if_the_shop_refuses(
    visitor: Client, shop: MemoryShop
) -> None:
    shop.refuse["products"] = Refused("SOMETHING_NEW", "core.models: no such row")

    answer = visitor.get("/")

    assert answer.status_code == 409
    assert "Please try again in a while." in answer.content.decode()
    assert "core.models" not in answer.content.decode()


def test_a_picture_can_not_run_anything_and_is_kept_while_it_stays_the_same(
    visitor: Client,
) -> None:
    answer = visitor.get("/pictures/A1?v=1")

    assert answer["Content-Type"] == "image/svg+xml"
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "sandbox" in answer["Content-Security-Policy"]
    assert answer["Cache-Control"] == "private, max-age=31536000"


@pytest.mark.parametrize("sku", ["B/2", "NONE"])
def test_a_missing_picture_is_a_quiet_drawing(visitor: Client, sku: str) -> None:
    answer = visitor.get(f"/pictures/{sku}")

    assert answer.status_code == 200
    assert answer.content.startswith(b"<svg")
    assert answer["Cache-Control"] == "private, max-age=300"


def test_a_picture_that_lies_elsewhere_is_shown_from_there(
    visitor: Client, shop: MemoryShop
) -> None:
    shop.stock["A1"] = product("A1", picture="https://pictures.example/a.png")

    answer = visitor.get("/pictures/A1")
    page = visitor.get("/").content.decode()

    assert answer["Location"] == "https://pictures.example/a.png"
    assert 'src="https://pictures.example/a.png"' in page


def test_categories_lead_down_and_up_again(visitor: Client, shop: MemoryShop) -> None:
    shop.tree = {"Drinks": "", "Paper": "", "Tea": "Drinks", "Coffee": "Drinks", "Green": "Tea"}

    top, tea = (visitor.get(f"/{query}").content.decode() for query in ("", "?category=Tea"))

    names = ("Drinks", "Paper", "Tea", "Coffee", "Green")
    assert [f"?category={name}" in top for name in names] == [True, True, False, False, False]
    assert [f"?category={name}" in tea for name in names] == [True, False, True, True, True]


def test_a_family_is_one_card_and_its_variants_lead_to_one_another(
    visitor: Client, shop: MemoryShop
) -> None:
    tiers = {1: Money(1500, "EUR"), 5: Money(1200, "EUR")}
    shop.stock = {
        sku: product(sku, 1500, name=f"T-shirt {size}", family="T-shirt", variant=size, tiers=tiers)
        for sku, size in (("t-l", "L"), ("t-s", "S"))
    }

    shelf = visitor.get("/").content.decode()
    page = visitor.get("/products/t-l/").content.decode()

    assert ("/products/t-l/" in shelf, "/products/t-s/" in shelf) == (True, False)
    assert "in several variants" in shelf
    assert '/products/t-l/" aria-current="page"' in page
    assert "/products/t-s/" in page
    assert "from 5: €12.00 each" in page

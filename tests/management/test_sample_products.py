"""The sample shop: complete, pleasant to look at, and harmless."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from core.management.pictures import KINDS, draw
from core.management.sample_products import sample_products

COLOURS = {"ground": "#dfe8dc", "body": "#4f7a5b", "accent": "#c8713f"}


def test_it_holds_between_thirty_and_sixty_products_in_order_of_sku() -> None:
    products = sample_products()

    skus = [product["sku"] for product in products]
    assert 30 <= len(skus) <= 60
    assert skus == sorted(set(skus))
    assert len({product["name"] for product in products}) == len(products)


def test_every_product_has_what_create_product_needs() -> None:
    for product in sample_products():
        assert product["price_minor"] > 0
        assert product["currency"] == "EUR"
        assert product["on_hand"] > 0
        assert product["categories"]
        assert product["description"]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_picture_is_well_formed_and_holds_nothing_but_shapes(kind: str) -> None:
    picture = draw(kind=kind, **COLOURS)

    tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(picture).iter()}
    assert tags <= {"svg", "g", "rect", "circle", "ellipse", "path"}
    assert "href" not in picture
    assert len(picture) < 6000


def test_a_picture_is_the_same_every_time() -> None:
    first = draw(kind="teapot", **COLOURS)

    assert draw(kind="teapot", **COLOURS) == first


@pytest.mark.parametrize("colour", ["red", "#FFF", '#000000"/><script>', "#12345"])
def test_it_refuses_what_is_no_colour(colour: str) -> None:
    with pytest.raises(ValueError, match="not a colour"):
        draw(kind="tin", **COLOURS | {"body": colour})


def test_it_refuses_an_unknown_kind() -> None:
    with pytest.raises(ValueError, match="no such kind"):
        draw(kind="sofa", **COLOURS)

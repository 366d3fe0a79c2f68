"""The products of an invented small shop, with which a fresh installation is furnished."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from core.management.pictures import draw

__all__ = ["sample_products"]


def sample_products() -> list[dict[str, Any]]:
    """Return the sample products in order of sku, each with its picture drawn.

    Each has `sku`, `name`, `description`, `price_minor`, `currency`, `categories` as paths,
    `picture` (an SVG document) and `on_hand`; variants have `family` and `attributes`, some have
    `tiers`: the price from a quantity on.
    """
    text = files("core.management").joinpath("sample_data.json").read_text(encoding="utf-8")
    return [row | {"picture": draw(**row["picture"])} for row in json.loads(text)]

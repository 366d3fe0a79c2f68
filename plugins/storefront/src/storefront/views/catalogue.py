"""The shelves: all products, some of them, and one of them."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from hookspecs import Shop
from storefront.page import ShopRequest, is_fragment, page, show

__all__ = ["catalogue", "product"]

PAGE = 24
_LOOKED_AT = 200


@require_safe
@page
def catalogue(request: ShopRequest) -> HttpResponse:
    """Show a page of products, narrowed by category or search words, going on after a sku."""
    said = {name: request.GET.get(name, "").strip() for name in ("after", "category", "search")}
    found = request.shop.products(limit=PAGE + 1, **said)
    context = {
        **said,
        "products": found[:PAGE],
        "more": found[PAGE - 1].sku if len(found) > PAGE else "",
    }
    if is_fragment(request):
        return show(request, "parts/cards" if said["after"] else "parts/shelf", context)
    return show(
        request, "catalogue", context | {"categories": _categories(request.shop, said["category"])}
    )


@require_safe
@page
def product(request: ShopRequest, sku: str) -> HttpResponse:
    """Show one product, and let it be put into the basket."""
    return show(request, "product", {"product": request.shop.product(sku)})


def _categories(shop: Shop, chosen: str) -> list[str]:
    # The shop has no list of categories: those of the first products stand for it. The chosen one
    # comes first, where a narrow window shows it.
    found = {name for one in shop.products(limit=_LOOKED_AT) for name in one.categories}
    return sorted(found, key=lambda name: (name != chosen, name))

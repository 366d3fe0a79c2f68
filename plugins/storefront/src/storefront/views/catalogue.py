"""The shelves: all products, some of them, and one of them."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from storefront.page import ShopRequest, is_fragment, page, show

__all__ = ["catalogue", "product"]

PAGE = 24
_VARIANTS = 100


@require_safe
@page
def catalogue(request: ShopRequest) -> HttpResponse:
    """Show a page of products, narrowed by category or search words, going on after a sku."""
    said = {name: request.GET.get(name, "").strip() for name in ("after", "category", "search")}
    found = request.shop.products(
        limit=PAGE + 1,
        after=said["after"],
        category=said["category"],
        search=said["search"],
        one_per_family=True,
    )
    context = {
        **said,
        "products": found[:PAGE],
        "more": found[PAGE - 1].sku if len(found) > PAGE else "",
    }
    if is_fragment(request):
        return show(request, "parts/cards" if said["after"] else "parts/shelf", context)
    return show(
        request,
        "catalogue",
        context | {"categories": _near(request.shop.categories(), said["category"])},
    )


@require_safe
@page
def product(request: ShopRequest, sku: str) -> HttpResponse:
    """Show one product and its variants, and let it be put into the basket."""
    shown = request.shop.product(sku)
    above = request.shop.categories()
    paths = (_path(above, name) for name in sorted(shown.categories))
    context = {
        "product": shown,
        "crumbs": max(paths, key=len, default=()),
        "variants": request.shop.products(family=shown.family, limit=_VARIANTS)
        if shown.family
        else (),
    }
    return show(request, "product", context)


def _near(above: Mapping[str, str], chosen: str) -> list[str]:
    """Return what lies above the chosen category, beside it and below it; the top ones if none."""
    if chosen not in above:
        return [name for name, parent in above.items() if not parent]
    beside = [name for name, parent in above.items() if parent == above[chosen]]
    below = [name for name, parent in above.items() if parent == chosen]
    # The chosen one comes first of its kind, where a narrow window shows it.
    beside.sort(key=lambda name: name != chosen)
    return [*_path(above, chosen)[:-1], *beside[:1], *below, *beside[1:]]


def _path(above: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Return a category behind those above it, the top first."""
    path: list[str] = []
    while name and name not in path:
        path.insert(0, name)
        name = above.get(name, "")
    return tuple(path)

"""Categories and families over the API: look at the shelves, and with a key arrange them."""
# ruff: noqa: ARG001 - ninja hands every view its request and path, asked for or not

from __future__ import annotations

from django.http import HttpResponse
from django.utils import timezone
from ninja import Router

from core.application.change_category import ChangeCategory, change_category
from core.application.create_category import CreateCategory, create_category
from core.application.create_family import create_family
from core.application.delete_category import delete_category
from core.application.read_products import category_list, category_shown
from core.http.answers import reply
from core.http.auth import Anyone, DoorRequest, Key
from core.http.catalogue_schemas import (
    AskedCategory,
    AskedCategoryChange,
    AskedFamily,
    CategoriesAnswer,
    CategoryAnswer,
    FamilyAnswer,
)

router = Router(tags=["products"])

_WRITES = Key("products:write")


@router.get("/categories", auth=Anyone(), response={200: CategoriesAnswer})
def categories(request: DoorRequest) -> HttpResponse:
    """List all categories in their order."""
    return reply({"items": category_list()}, headers={"Cache-Control": "no-cache"})


@router.post("/categories", auth=_WRITES, response={201: CategoryAnswer})
def create(request: DoorRequest, asked: AskedCategory) -> HttpResponse:
    """Create a category."""
    slug = create_category(CreateCategory(**asked.model_dump()))
    return reply(category_shown(slug), status=201)


@router.patch("/categories/{slug}", auth=_WRITES, response={200: CategoryAnswer})
def change(request: DoorRequest, slug: str, asked: AskedCategoryChange) -> HttpResponse:
    """Rename a category or put it elsewhere; the products in it follow."""
    said = asked.model_dump(include=asked.model_fields_set)
    command = ChangeCategory(slug=slug, new_slug=said.pop("slug", None), **said)
    change_category(command, now=timezone.now())
    return reply(category_shown(command.new_slug or slug))


@router.delete("/categories/{slug}", auth=_WRITES, response={204: None})
def delete(request: DoorRequest, slug: str) -> HttpResponse:
    """Delete a category that nothing lies in."""
    delete_category(slug=slug)
    return HttpResponse(status=204)


@router.post("/families", auth=_WRITES, response={201: FamilyAnswer})
def family(request: DoorRequest, asked: AskedFamily) -> HttpResponse:
    """Create a family, of which products may be variants."""
    create_family(name=asked.name, options=tuple(asked.options))
    return reply({"name": asked.name, "options": asked.options}, status=201)

"""Pages of plugins: where their manifests say, and gone while switched off."""

from __future__ import annotations

import pytest
from django.http import Http404, HttpRequest
from django.urls import Resolver404, URLResolver
from django.urls.resolvers import RegexPattern

from core.hooks.loader import Page
from core.hooks.registry import Registry
from core.http.pages import plugin_pages
from core.testing.registries import FakePlugin, registry_of

URLS = "tests.http.pages_of_a_plugin"
ODD = FakePlugin(name="odd")


def root(*pages: Page) -> URLResolver:
    return URLResolver(RegexPattern(r"^/"), plugin_pages(pages))


def asked(registry: Registry) -> HttpRequest:
    request = HttpRequest()
    request.__dict__["registry"] = registry
    return request


def test_a_page_answers_where_it_is_mounted() -> None:
    match = root(Page(plugin="odd", mount="/x/odd/", urls=URLS)).resolve("/x/odd/hello/anna/")

    answer = match.func(asked(registry_of(ODD)), **match.kwargs)

    assert answer.content == b"hello anna"
    assert match.view_name == "odd:hello"
    assert getattr(match.func, "csrf_exempt", False)


def test_a_plugin_switched_off_serves_nothing() -> None:
    match = root(Page(plugin="odd", mount="/", urls=URLS)).resolve("/hello/anna/")

    with pytest.raises(Http404):
        match.func(asked(registry_of(ODD, disabled=["odd"])), **match.kwargs)


def test_a_plugin_that_is_gone_serves_nothing() -> None:
    match = root(Page(plugin="odd", mount="/", urls=URLS)).resolve("/hello/anna/")

    with pytest.raises(Http404):
        match.func(asked(registry_of()), **match.kwargs)


def test_the_deepest_mount_is_asked_first() -> None:
    deep, shop = (
        Page(plugin="deep", mount="/x/deep/", urls=URLS),
        Page(plugin="shop", mount="/", urls=URLS),
    )

    resolvers = plugin_pages([shop, deep])

    assert [str(each.pattern) for each in resolvers] == ["x/deep/", ""]


def test_elsewhere_there_is_nothing() -> None:
    with pytest.raises(Resolver404):
        root(Page(plugin="odd", mount="/x/odd/", urls=URLS)).resolve("/hello/anna/")

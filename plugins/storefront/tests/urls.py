"""The shop's pages alone, mounted where the core would mount them."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("", include("storefront.urls"))]

"""What the API says of itself, and that every endpoint has a policy."""

from __future__ import annotations

import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from core.http.api import api as described
from core.http.auth import SCOPES, Policy
from core.http.errors import STATUS
from tests.house.tree import ROOT

pytestmark = pytest.mark.django_db


def test_the_description_is_openapi_3_1_and_names_problems_and_keys() -> None:
    schema = Client().get("/api/v1/openapi.json").json()

    assert schema["openapi"].startswith("3.1")
    assert {"/api/v1/orders", "/api/v1/quotes", "/api/v1/orders/{order_id}"} <= schema[
        "paths"
    ].keys()
    for methods in schema["paths"].values():
        for operation in methods.values():
            assert "application/problem+json" in operation["responses"]["default"]["content"]
            assert operation["security"]
    placing = schema["paths"]["/api/v1/orders"]["post"]
    assert "Idempotency-Key" in {each["name"] for each in placing["parameters"]}


def test_the_documentation_needs_nothing_from_elsewhere() -> None:
    answer = Client().get("/api/v1/docs")

    named = re.findall(r'(?:src|href)="([^"]+)"', answer.content.decode())
    assert named
    assert all(address.startswith("/static/") for address in named)
    assert all(finders.find(address.removeprefix("/static/")) for address in named)
    assert "<script>" not in answer.content.decode()


def test_each_endpoint_has_one_policy() -> None:
    operations = [
        operation
        for bound in described._get_bound_routers()
        for view in bound.path_operations.values()
        for operation in view.operations
    ]

    assert operations
    for operation in operations:
        assert len(operation.auth_callbacks) == 1, operation.path
        assert isinstance(operation.auth_callbacks[0], Policy), operation.path


def test_the_documentation_names_every_code_and_scope() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")

    for code, status in STATUS.items():
        row = next((line for line in text.splitlines() if f"`{code}`" in line), "")
        assert row.startswith(f"| {status} |"), code
    assert all(f"`{scope}`" in text for scope in SCOPES)

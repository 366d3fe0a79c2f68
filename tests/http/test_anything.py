"""Whatever the description allows, and much that it doesn't: never a server error, never a surprise."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from core.http.api import api
from core.http.auth import SCOPES

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]


@pytest.fixture
def held(shelf: None, key: Callable[..., dict[str, str]]) -> dict[str, str]:
    return key(*SCOPES)


def operations() -> dict[str, Any]:
    described = json.loads(json.dumps(api.get_openapi_schema(), default=str))
    schema = schemathesis.openapi.from_dict(described)
    schema.app = get_wsgi_application()
    found = (result.ok() for result in schema.get_all_operations())
    return {operation.label: operation for operation in found}


@pytest.mark.parametrize("label", sorted(operations()))
def test_no_request_is_a_surprise(label: str, held: dict[str, str]) -> None:
    @settings(
        max_examples=25,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operations()[label].as_strategy())
    def ask(case: schemathesis.Case) -> None:
        for headers in ({}, held):
            case.validate_response(case.call(headers=headers), checks=CHECKS)

    ask()

"""The API: its routers put together, its description, and everything that goes wrong as a problem."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.parser import Parser
from pydantic_core import from_json

from core.http import categories, coupons, orders, payments, products, stock
from core.http.auth import Policy
from core.http.errors import PROBLEM, answer_with_problems
from core.http.schemas import Problem

_SECURITY: Final[dict[str, Any]] = {
    "none": {},
    "key": {"ApiKey": []},
    "token": {"OrderToken": []},
}
_SCHEMES: Final = {
    "ApiKey": {"type": "http", "scheme": "bearer", "description": "A key with scopes."},
    "OrderToken": {"type": "apiKey", "in": "header", "name": "X-Order-Token"},
}


class _JsonParser(Parser):
    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        """Parse strictly: no NaN, no Infinity, and only so deep."""
        parsed: dict[str, Any] = from_json(request.body, allow_inf_nan=False)
        return parsed


class _DescribedAPI(NinjaAPI):
    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """Add what ninja doesn't know: problems, and who may call what."""
        schema = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        components = schema["components"]
        components["securitySchemes"] = _SCHEMES
        components.setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
        schemes = {
            (operation.operation_id or self.get_openapi_operation_id(operation)): policy.schemes
            for bound in self._get_bound_routers()
            for view in bound.path_operations.values()
            for operation in view.operations
            for policy in operation.auth_callbacks
            if isinstance(policy, Policy)
        }
        for methods in schema["paths"].values():
            for described in methods.values():
                described["security"] = [
                    _SECURITY[name] for name in schemes[described["operationId"]]
                ]
                described["responses"]["default"] = {
                    "description": "A problem",
                    "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
                }
        return schema


api = _DescribedAPI(
    title="Orderloom",
    version="1.0",
    description=(
        "Quotes, orders, payments, products and coupons. Amounts are integers in minor units. "
        "Errors are problems (RFC 9457) with a stable `code`."
    ),
    urls_namespace="api",
    parser=_JsonParser(),
)
api.add_router("", orders.router)
api.add_router("", payments.router)
api.add_router("", stock.router)
api.add_router("", products.router)
api.add_router("", coupons.router)
api.add_router("", categories.router)
answer_with_problems(api)

"""`api_keys`: create, list, revoke."""

from __future__ import annotations

import json
import uuid
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from core.http.auth import SCOPES
from core.models import ApiKey
from tests.http.conftest import Api

pytestmark = pytest.mark.django_db(transaction=True)

PRODUCT = {"sku": "cup", "name": "Cup", "price": {"minor": 1, "currency": "EUR"}}


def said(*arguments: str) -> Any:
    out = StringIO()
    call_command("api_keys", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_a_created_key_opens_what_its_scopes_say_until_it_is_revoked() -> None:
    created = said("create", "--label", "till", "--scope", "products:write")
    held = {"Authorization": f"Bearer {created['key']}"}

    before = Api().post("/products", PRODUCT, **held)
    said("revoke", created["id"])
    after = Api().post("/products", PRODUCT | {"sku": "pot", "name": "Pot"}, **held)

    assert (before.status_code, after.status_code) == (201, 401)


def test_a_key_is_shown_once() -> None:
    created = said("create", "--label", "till", "--scope", "orders:read", "--days", "1")

    listed = said("list")

    assert [key["label"] for key in listed] == ["till"]
    assert listed[0]["expires_at"]
    assert created["key"] not in json.dumps(listed)


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "--label", "till"),
        ("create", "--label", "till", "--scope", "everything"),
        ("create", "--label", " ", "--scope", "orders:read"),
        ("create", "--label", "till", "--scope", "orders:read", "--days", "0"),
        ("create", "--label", "till", "--scope", "orders:read", "--tenant", "nobody"),
        ("revoke", "nonsense"),
        ("revoke", str(uuid.UUID(int=7))),
        ("burn",),
        (),
    ],
    ids=str,
)
def test_a_bad_command_line_is_refused_and_writes_nothing(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        call_command("api_keys", *arguments)

    assert ApiKey.objects.across_tenants().count() == 0


def test_a_key_is_revoked_once() -> None:
    created = said("create", "--label", "till", "--scope", min(SCOPES))
    said("revoke", created["id"])

    with pytest.raises(CommandError, match="WRONG_STATE"):
        said("revoke", created["id"])

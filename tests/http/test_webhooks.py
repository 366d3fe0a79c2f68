"""Webhooks: stored raw, answered at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client, override_settings
from django.utils import timezone

from core.application.receive_webhook import webhook_endpoint
from core.context import TenantRef, acting_for
from core.models import InboxEntry, Tenant
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from tests.http.memory import MIDDLEWARE, InHand

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("tenant")]


@pytest.fixture(autouse=True)
def _in_hand() -> Iterator[None]:
    InHand.registry = registry_of(FakePlugin(name="pay-memory", strategies=(MemoryGateway(),)))
    with override_settings(MIDDLEWARE=MIDDLEWARE):
        yield


def send(endpoint: str, body: bytes = b"{}", plugin: str = "pay-memory", **headers: str) -> Any:
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    return client.post(
        f"/webhooks/{plugin}/{endpoint}",
        data=body,
        content_type="application/octet-stream",
        headers=headers,
    )


def test_a_webhook_is_stored_to_the_byte_without_being_read() -> None:
    endpoint = webhook_endpoint(plugin="pay-memory", now=timezone.now())

    answer = send(endpoint, b'\xff{"a":  1}', Signature="forged", Cookie="c=1")

    entry = InboxEntry.objects.get()
    assert answer.status_code == 200
    assert bytes(entry.body) == b'\xff{"a":  1}'
    assert entry.headers["signature"] == "forged"
    assert "cookie" not in entry.headers
    assert entry.status == "STORED"


@pytest.mark.parametrize("name", ["X-Orderloom-Source", "x_orderloom_source", "X-ORDERLOOM-any"])
def test_nobody_outside_says_what_only_the_core_may_say(name: str) -> None:
    endpoint = webhook_endpoint(plugin="pay-memory", now=timezone.now())

    send(endpoint, **{name: "file"})

    assert not [one for one in InboxEntry.objects.get().headers if "orderloom" in one]


@pytest.mark.parametrize(("size", "status"), [(65_536, 200), (65_537, 413)])
def test_a_webhook_has_64_kib_at_most(size: int, status: int) -> None:
    endpoint = webhook_endpoint(plugin="pay-memory", now=timezone.now())

    answer = send(endpoint, b"x" * size)

    assert answer.status_code == status
    assert InboxEntry.objects.count() == (1 if status == 200 else 0)


def test_an_unknown_endpoint_is_404_and_stores_nothing() -> None:
    endpoint = webhook_endpoint(plugin="pay-memory", now=timezone.now())

    answers = [send("guessed"), send(endpoint, plugin="another"), send("a\x00b")]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert InboxEntry.objects.count() == 0


def test_without_the_plugins_code_it_is_stored_and_asked_for_again() -> None:
    endpoint = webhook_endpoint(plugin="pay-memory", now=timezone.now())
    InHand.registry = registry_of()

    answer = send(endpoint)

    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert InboxEntry.objects.count() == 1


def test_a_webhook_is_posted_and_nothing_else() -> None:
    answer = Client().get("/webhooks/pay-memory/any")

    assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_an_endpoint_finds_its_own_tenant() -> None:
    other = Tenant.objects.create(id=2, slug="other")
    with acting_for(TenantRef(id=2, slug="other")):
        endpoint = webhook_endpoint(plugin="pay-memory", now=timezone.now())
    theirs = replace(InHand.registry, tenant="other")

    without = send(endpoint)
    InHand.registry = theirs
    answer = send(endpoint)

    # Whether it can be read is asked of the other tenant's plugins, not of the caller's.
    assert (without.status_code, answer.status_code) == (503, 200)
    stored = InboxEntry.objects.across_tenants().values_list("tenant_id", flat=True)
    assert list(stored) == [other.id, other.id]

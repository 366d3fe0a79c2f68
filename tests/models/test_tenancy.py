"""Nobody sees another tenant's rows, and without a tenant there are none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.db import models

from core import context
from core.context import DEFAULT_TENANT, TenantRef, acting_for
from core.models import Product, Tenant
from core.models.tenancy import Owned
from tests.application.shelf import put

NOW = datetime(2026, 11, 23, tzinfo=UTC)
OTHER = TenantRef(id=2, slug="other")


@pytest.mark.django_db(transaction=True)
def test_each_tenant_has_a_catalogue_of_its_own() -> None:
    Tenant(id=OTHER.id, slug=OTHER.slug).save(force_insert=True)
    with acting_for(DEFAULT_TENANT):
        put("tea", 450, 10, now=NOW)
    with acting_for(OTHER):
        put("tea", 999, 10, now=NOW)

    with acting_for(OTHER):
        seen = list(Product.objects.values_list("price_minor", flat=True))

    assert seen == [999]
    assert list(Product.objects.all()) == []
    assert Product.objects.across_tenants().count() == 2


def test_without_a_door_there_is_no_tenant() -> None:
    assert context.tenant_or_none() is None
    with pytest.raises(LookupError):
        context.tenant()


def test_a_door_sets_tenant_and_request_and_takes_them_back() -> None:
    with acting_for(OTHER, request_id="r1"):
        assert (context.tenant(), context.request_id()) == (OTHER, "r1")
        with acting_for(DEFAULT_TENANT):
            assert (context.tenant(), context.request_id()) == (DEFAULT_TENANT, "r1")

    assert context.request_id() == ""


def owned() -> list[type[models.Model]]:
    return [
        model for model in apps.get_app_config("orderloom").get_models() if issubclass(model, Owned)
    ]


def test_every_table_belongs_to_a_tenant_or_says_why_not() -> None:
    nobodys = {"Tenant", "Plugin", "PluginGeneration"}
    nobodys |= {"PluginSwitch", "PluginSettings", "PluginChange"}  # a tenant's, or everybody's
    nobodys |= {"PluginWorker"}  # a process serves every tenant
    nobodys |= {"PluginHealth", "PluginCalls"}  # whoever shares the code shares how it does

    others = {
        model.__name__
        for model in apps.get_app_config("orderloom").get_models()
        if not issubclass(model, Owned)
    }

    assert others == nobodys


@pytest.mark.parametrize("model", owned(), ids=lambda model: model.__name__)
def test_every_unique_constraint_holds_within_a_tenant(model: type[models.Model]) -> None:
    # Random ids and rows that hang on one order, payment or event are unique across tenants anyway.
    within = {"tenant", "order", "payment", "event", "digest"}

    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint):
            assert within & set(constraint.fields), constraint.name

"""The registry follows the database: tombstones, generations, at most one look a second."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.checks import run_checks
from django.db import connection
from django.test import override_settings

from core.application import refresh_registry as module
from core.application.list_plugins import list_plugins
from core.application.refresh_registry import record_plugins, refresh_registry
from core.hooks.build import build
from core.hooks.settings import GivenSettings
from core.hooks.states import KnownPlugin, PluginStates, State
from core.models.plugin import Plugin, PluginGeneration, PluginSwitch
from core.models.tenancy import Tenant
from tests.hooks.gallery import RULE, STRATEGY, TELL, Gallery, view

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


@pytest.fixture
def fresh() -> Iterator[None]:
    """Begin and end as a process that has not looked yet."""
    module.forget()
    yield
    module.forget()


def test_loaded_plugins_are_written_down_once(gallery: Gallery) -> None:
    gallery.add("price", RULE.format(key="k", optional=False) + TELL, hooks=BOTH)
    gallery.add("gone", "raise OSError('x')", hooks=("order_placed",))
    registry = gallery.build()

    written = [record_plugins(registry, now=NOW), record_plugins(registry, now=NOW)]

    assert written == [1, 0]
    row = Plugin.objects.get()
    assert (row.name, row.distribution, row.version) == ("price", "orderloom-price", "1.0")
    assert (row.was_on, row.prices, row.tells) == (True, True, ["order_placed"])
    assert PluginGeneration.objects.get().generation == 1


BOTH = ("pricing_rules", "order_placed")


def test_a_broken_plugin_keeps_the_row_it_had(gallery: Gallery) -> None:
    gallery.add("price", RULE.format(key="k", optional=False), hooks=("pricing_rules",))
    record_plugins(gallery.build(), now=NOW)
    gallery.add("price", "raise OSError('x')", hooks=("pricing_rules",), package="broken_now")

    registry = gallery.build(PluginStates(known=(known(),)))
    written = record_plugins(registry, now=NOW)

    assert view(registry, "price").state is State.LOAD_FAILED
    assert registry.pricing_gone == ("price",)
    assert written == 0


def known() -> KnownPlugin:
    row = Plugin.objects.get()
    return KnownPlugin(
        name=row.name, distribution=row.distribution, was_on=row.was_on, prices=row.prices
    )


@pytest.mark.parametrize("by", ["settings", "a person", "a tenant"])
def test_a_plugin_switched_off_is_remembered_as_off(by: str, gallery: Gallery) -> None:
    gallery.add("price", RULE.format(key="k", optional=False), hooks=("pricing_rules",))
    registry = build(gallery.load(), PluginStates(), GivenSettings(), print)
    record_plugins(registry, now=NOW)
    before = Plugin.objects.get().was_on

    with override_settings(
        ORDERLOOM_PLUGINS_DISABLED=frozenset({"price"} if by == "settings" else ())
    ):
        if by != "settings":
            tenant = Tenant.objects.get() if by == "a tenant" else None
            PluginSwitch.objects.create(plugin="price", tenant=tenant, is_on=False, changed_at=NOW)
        record_plugins(registry, now=NOW)

    assert before
    assert Plugin.objects.get().was_on is (by == "a tenant")


def test_a_process_looks_at_most_once_a_second(fresh: None, django_assert_num_queries: Any) -> None:
    first = refresh_registry()

    with django_assert_num_queries(0):
        second = refresh_registry()

    assert second is first


def test_one_look_a_second_is_enough_for_all_tenants(
    fresh: None, django_assert_num_queries: Any
) -> None:
    Tenant.objects.create(id=2, slug="acme")
    for _ in range(3):  # the first look writes down what is loaded, which is a change itself
        module.look_again()
        both = [refresh_registry(tenant=slug) for slug in ("default", "acme")]
    module.look_again()

    with django_assert_num_queries(1):
        again = [refresh_registry(tenant=slug) for slug in ("default", "acme")]

    assert [registry.tenant for registry in both] == ["default", "acme"]
    assert again == both


def test_a_missing_plugin_that_priced_makes_quotes_refuse(fresh: None) -> None:
    Plugin.objects.create(
        name="price-gone",
        distribution="acme-price",
        version="1",
        prices=True,
        was_on=True,
        seen_at=NOW,
    )

    registry = refresh_registry()

    # Where an allow list leaves it out, as in the pass without any plugin, somebody has decided.
    decided = settings.ORDERLOOM_PLUGINS is not None
    assert registry.pricing_gone == (() if decided else ("price-gone",))
    assert view(registry, "price-gone").state is State.MISSING


@pytest.mark.parametrize("by", ["settings", "a person"])
def test_a_person_can_switch_off_what_is_missing(by: str, fresh: None) -> None:
    Plugin.objects.create(
        name="price-gone", distribution="acme-price", version="1", prices=True, seen_at=NOW
    )
    if by == "a person":
        PluginSwitch.objects.create(plugin="price-gone", is_on=False, changed_at=NOW)
    named = frozenset({"price-gone"} if by == "settings" else ())

    with override_settings(ORDERLOOM_PLUGINS_DISABLED=named):
        registry = refresh_registry()

    assert registry.pricing_gone == ()
    assert [problem.plugin for problem in registry.problems if "DISABLED" in problem.text] == []


def test_a_generation_that_has_moved_makes_a_new_registry(fresh: None) -> None:
    first = refresh_registry()
    PluginGeneration.objects.update_or_create(pk=1, defaults={"generation": 77})
    module.look_again()

    second = refresh_registry()

    assert first.generation != 77
    assert second.generation == 77


def test_plugins_are_listed_with_their_open_work(gallery: Gallery) -> None:
    gallery.add("pay", STRATEGY.format(code="pay", account=None), hooks=("payment_strategies",))
    registry = gallery.build(PluginStates(disabled=frozenset({"pay"})))

    [listed] = list_plugins(plugins=registry)

    assert listed.state is State.DISABLED


def test_the_apps_first_registry_comes_without_a_query(django_assert_num_queries: Any) -> None:
    config: Any = apps.get_app_config("orderloom")

    with django_assert_num_queries(0):
        config.ready()

    assert config.first.generation == 0


def found(*, deploy: bool = False) -> set[str]:
    return {str(message.id) for message in run_checks(include_deployment_checks=deploy)}


def test_requests_in_a_transaction_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    before = found()
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", 1)

    after = found()

    assert after - before == {"orderloom.E002"}


@pytest.mark.parametrize(("sandbox", "expected"), [(True, True), (False, False)])
def test_a_sandbox_is_refused_where_a_shop_is_deployed(sandbox: bool, expected: bool) -> None:
    with override_settings(ORDERLOOM_SANDBOX=sandbox):
        refused = "orderloom.E003" in found(deploy=True)

    assert refused is expected


def test_our_own_files_are_found() -> None:
    assert "orderloom.E001" not in found()


def test_a_variable_for_a_plugin_that_is_not_there_is_pointed_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ORDERLOOM_NOT_THERE__KEY", "x")

    messages = {message.id: message.msg for message in run_checks()}

    assert messages["orderloom.W005"].startswith("ORDERLOOM_NOT_THERE__KEY is set")

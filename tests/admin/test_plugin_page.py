"""A plugin's page in the console: switched, configured and tested there, with who and why."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from core.application.refresh_registry import forget, refresh_registry
from core.hooks.conformance import read_conformance
from core.hooks.discovery import Found
from core.hooks.states import State
from core.models import PluginCalls, PluginChange, PluginHealth, PluginSettings, Tenant
from core.models.health import ILL

pytestmark = pytest.mark.django_db(transaction=True)

CARD, MAIL = "payment-stripe-like", "notify-email"


@pytest.fixture(autouse=True)
def _afresh() -> Iterator[None]:
    forget()
    yield
    forget()


def page(name: str, tenant: str = "") -> str:
    where = reverse("admin:orderloom_plugin_page", args=[name])
    return where + (f"?tenant={tenant}" if tenant else "")


def post(client: Client, name: str, **typed: str) -> Any:
    return client.post(page(name), typed, follow=True)


def settings_typed(client: Client, name: str, **typed: str) -> Any:
    """Send the form back as it was drawn, with some fields typed over."""
    form = client.get(page(name, typed.get("tenant", ""))).context["form"]
    shown = {
        field: "" if one.initial is None else str(one.initial)
        for field, one in form.fields.items()
        if not field.endswith(":unset")
    }
    shown["seen"] = str(form.initial["seen"])
    return post(client, name, do="settings", **{**shown, **typed})


def said(response: Any) -> str:
    return " ".join(str(one) for one in response.context["messages"])


def state(name: str, tenant: str = "default") -> State:
    view = refresh_registry(tenant=tenant).plugin(name)
    assert view is not None
    return view.state


def test_every_plugin_has_a_page_and_one_that_nobody_knows_has_none(console: Client) -> None:
    for view in refresh_registry().plugins:
        assert console.get(page(view.name)).status_code == 200

    assert console.get(page("no-such")).status_code == 404


def test_a_switch_is_moved_with_who_and_why(console: Client) -> None:
    response = post(console, MAIL, do="switch", to="off", reason="too many mails")

    change = PluginChange.objects.get()
    assert state(MAIL) is State.DISABLED
    assert (change.kind, change.reason) == ("OFF", "too many mails")
    assert change.who.startswith("staff:")
    assert "too many mails" in response.content.decode()
    post(console, MAIL, do="switch", to="on", reason="")
    assert state(MAIL) is State.ENABLED


@override_settings(ORDERLOOM_SECRETS_KEY=["a-key-of-our-own"])
def test_settings_are_stored_and_their_secret_is_never_shown(console: Client) -> None:
    settings_typed(console, CARD, api_key="sk_test_canary", webhook_secrets="whsec_canary")
    response = settings_typed(console, CARD, label="Cards", reason="clearer")

    assert state(CARD) is State.ENABLED
    assert PluginSettings.objects.count() == 2
    assert 'value="86400"' in response.content.decode()
    assert "Now: 1 day." in response.content.decode()
    assert "canary" not in response.content.decode()
    assert "canary" not in str([*PluginSettings.objects.values()])
    assert [one.names for one in PluginChange.objects.order_by("id")] == [
        ["api_key", "webhook_secrets"],
        ["label"],
    ]


def test_without_a_key_of_its_own_the_console_takes_no_secret(console: Client) -> None:
    with override_settings(ORDERLOOM_SECRETS_KEY=[]):
        response = settings_typed(console, CARD, api_key="sk_test_canary")

    assert "ORDERLOOM_SECRETS_KEY" in str(response.context["form"].errors["api_key"])
    assert not PluginSettings.objects.exists()


def test_a_fault_stands_beside_its_field_and_nothing_is_stored(console: Client) -> None:
    response = settings_typed(console, CARD, base="not an address")

    assert "https://" in str(response.context["form"].errors["base"])
    assert not PluginSettings.objects.exists()


def test_what_the_plugin_itself_refuses_stands_above_the_form(console: Client) -> None:
    response = settings_typed(console, MAIL, domain="no domain at all")

    assert "expected one such as shop.example" in str(response.context["form"].errors)
    assert not PluginSettings.objects.exists()


def test_who_saves_an_old_form_is_told(console: Client) -> None:
    settings_typed(console, MAIL, shop="First")

    response = settings_typed(console, MAIL, shop="Second", seen="0")

    assert "look again" in said(response)
    assert PluginSettings.objects.count() == 1


def test_a_tenant_has_a_switch_and_settings_of_its_own(console: Client) -> None:
    assert "the installation" not in console.get(page(MAIL)).content.decode()
    Tenant.objects.create(id=2, slug="other")

    post(console, MAIL, do="switch", to="off", tenant="other")
    settings_typed(console, MAIL, shop="Theirs", tenant="other")

    assert (state(MAIL), state(MAIL, "other")) == (State.ENABLED, State.DISABLED)
    assert PluginSettings.objects.get().tenant_id == 2
    post(console, MAIL, do="switch", to="follow", tenant="other")
    assert state(MAIL, "other") is State.ENABLED
    assert console.get(page(MAIL, "nobody")).status_code == 404


def test_a_test_says_what_came_of_it(console: Client) -> None:
    with override_settings(ORDERLOOM_SECRETS_KEY=["a-key-of-our-own"]):
        settings_typed(
            console,
            CARD,
            api_key="sk_test_canary",
            webhook_secrets="whsec_1",
            base="http://127.0.0.1:9",
        )
        response = post(console, CARD, do="probe", offer="stripe")

    assert "stripe doesn't work" in said(response)
    assert "canary" not in said(response)
    assert "can be tested" in said(post(console, MAIL, do="probe", offer="email"))


@pytest.mark.parametrize("may", [(), ("view_plugin",)])
def test_who_may_not_act_changes_nothing(transactional_db: None, may: tuple[str, ...]) -> None:
    staff = User.objects.create_user("reader", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__in=may))
    client = Client()
    client.force_login(staff)

    looked = client.get(page(MAIL))
    acted = post(client, MAIL, do="switch", to="off")

    assert looked.status_code == (200 if may else 403)
    assert acted.status_code == 403
    assert state(MAIL) is State.ENABLED
    if may:
        assert "Switch off" not in looked.content.decode()


def test_a_button_that_is_none_is_refused(console: Client) -> None:
    assert post(console, MAIL, do="uninstall").status_code == 404
    assert "on, off, or follows" in said(post(console, MAIL, do="switch", to="sideways"))


def test_how_a_plugin_has_been_doing_stands_on_both_pages(console: Client) -> None:
    own = {"plugin": MAIL, "version": "1", "hook": "deliver", "offer": "email"}
    PluginCalls.objects.create(
        day=timezone.now().date(), bucket=11, calls=4, failures=1, seconds=0.006, **own
    )

    listed = console.get(reverse("admin:orderloom_plugin_changelist")).content.decode()
    shown = console.get(page(MAIL)).content.decode()

    assert "<td>4</td><td>1</td><td>1.50 ms</td>" in listed
    assert "<td>deliver</td><td>email</td><td>1</td><td>4</td><td>1</td>" in shown


def test_what_its_own_suites_found_stands_there(console: Client) -> None:
    shown = console.get(page(MAIL)).content.decode()

    assert "Contract suites" in shown
    assert read_conformance(found(MAIL)).text in html.unescape(shown)


def found(name: str) -> Found:
    return next(one for one in settings.ORDERLOOM_DISCOVERED.found if one.name == name)


def test_a_quarantine_is_named_and_lifted(console: Client) -> None:
    now = timezone.now()
    PluginHealth.objects.create(
        plugin=CARD, kind="payment", version="1", quarantined_at=now, is_open=True, cause="hangs"
    )

    assert "hangs" in console.get(page(CARD)).content.decode()
    post(console, CARD, do="switch", to="on", reason="mended")

    assert not PluginHealth.objects.filter(ILL).exists()

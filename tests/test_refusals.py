"""Every refusal has its code, its status, and a sentence in two languages that people can read."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.test import override_settings
from django.utils import timezone, translation

import core.application
import core.domain
from core.application.create_coupon import CreateCoupon, create_coupon
from core.application.create_product import CreateProduct, create_product
from core.application.publish_product import publish_product
from core.application.retire_product import retire_product
from core.domain.errors import OrderloomError
from core.http.errors import STATUS
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Money, Refused
from storefront.refusals import refusal, refusal_title
from tests.application.codes import ForACode
from tests.application.test_confirmation import Way
from tests.http.conftest import Api, basket, shelf, tenant
from tests.http.memory import MIDDLEWARE, InHand

__all__ = ["shelf", "tenant"]

STACK_WORDS = (
    *("core", "hookspecs", "django", "sql", "json", "http", "python", "exception", "traceback"),
    *("null", "none", "dict", "database", "plugin", "idempotency", "psycopg", "pydantic", "uuid"),
)
FOR_CUSTOMERS = {
    *("EMPTY_ORDER", "INVALID_QUANTITY", "UNKNOWN_PRODUCT", "PRODUCT_NOT_FOR_SALE"),
    *("NO_PRICE_IN_CURRENCY", "OUT_OF_STOCK", "TOTAL_NOT_POSITIVE", "TOTAL_CHANGED"),
    *("COUPON_UNKNOWN", "COUPON_NOT_YET_VALID", "COUPON_EXPIRED", "COUPON_USED_UP"),
    *("COUPON_USED_BEFORE", "COUPON_NEEDS_CONTACT", "SHIPPING_METHOD_MISSING"),
    *("SHIPPING_METHOD_UNAVAILABLE", "PRICING_UNAVAILABLE", "TOO_MANY_LINES", "NOT_FOUND"),
    *("UNKNOWN_PAYMENT_STRATEGY", "PAYMENT_UNDECIDED", "NOTHING_TO_PAY", "AMOUNT_NOT_ACCEPTED"),
}


def tree() -> list[type[OrderloomError]]:
    """Return every error of the core, wherever it is defined."""
    for package in (core.domain, core.application):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    return sorted(set(below(OrderloomError)), key=lambda error: error.code)


def below(error: type[OrderloomError]) -> Iterator[type[OrderloomError]]:
    yield error
    for child in error.__subclasses__():
        yield from below(child)


def unreadable(sentence: str, codes: set[str]) -> list[str]:
    """Return what in a sentence is not for people: codes, tables, words of the machinery."""
    tables = {model._meta.db_table for model in apps.get_models()}
    words = set(re.findall(r"\w+", sentence.lower()))
    found = [word for word in (*tables, *STACK_WORDS) if word in words]
    found += [code for code in codes if "_" in code and code in sentence]
    found += re.findall(r"\w+_\w+|[{}<>\[\]]", sentence)
    if not re.fullmatch(r"[A-ZÄÖÜ][^\n]{5,250}[.!]", sentence):
        found.append("no sentence")
    return found


def said(refused: Refused) -> dict[str, str]:
    told = {}
    for language in ("en", "de"):
        with translation.override(language):
            told[language] = refusal(refused)
    return told


@pytest.mark.parametrize("error", tree(), ids=lambda error: error.code)
def test_it_has_a_code_a_status_and_a_sentence_in_two_languages(
    error: type[OrderloomError],
) -> None:
    codes = {each.code for each in tree()}
    broken = "psycopg: null value in orderloom_order {'code': SOME_CODE}"

    told = said(Refused(error.code, broken))

    assert re.fullmatch(r"[A-Z]+(_[A-Z]+)*", error.code)
    assert 400 <= STATUS[error.code] < 600
    assert told["en"] != told["de"]
    assert {language: unreadable(text, codes) for language, text in told.items()} == {
        "en": [],
        "de": [],
    }


def test_each_code_belongs_to_one_refusal() -> None:
    codes = [error.code for error in tree() if "code" in vars(error)]  # the others share one

    assert len(codes) == len(set(codes))
    assert set(codes) >= FOR_CUSTOMERS


@pytest.mark.parametrize("code", sorted(FOR_CUSTOMERS))
def test_what_a_customer_can_meet_has_words_of_its_own(code: str) -> None:
    with translation.override("en"):
        assert refusal(Refused(code, "")) != refusal(Refused("SOMETHING_NEW", ""))
        assert refusal_title(Refused(code, "")) in {"Not found", "That didn't work"}


def test_what_is_not_for_people_is_found() -> None:
    codes = {"OUT_OF_STOCK"}

    assert unreadable("The row in orderloom_order is gone.", codes)
    assert unreadable("It is OUT_OF_STOCK today.", codes)
    assert unreadable("The database said no.", codes)
    assert unreadable("no sentence", codes)
    assert not unreadable("There isn't enough of it left.", codes)


def a_code(code: str, **more: Any) -> None:
    create_coupon(CreateCoupon(code=code, **more), now=timezone.now())


TEA = basket(("tea", 1))
GERMAN = {"contact": {"email": "ada@example.org"}}
SOON, BEFORE = timedelta(days=1), timedelta(days=-1)


def used_up() -> None:
    a_code("spring", most_uses=1)
    Api().post("/orders", basket(("tea", 1), coupons=["spring"]), Idempotency_Key="first")


def used_before() -> None:
    a_code("spring", most_per_customer=1)
    Api().post("/orders", basket(("tea", 1), coupons=["spring"], **GERMAN), Idempotency_Key="1")


def nothing() -> None:
    return None


MET: list[tuple[str, dict[str, Any], Callable[[], object]]] = [
    ("EMPTY_ORDER", basket(), nothing),
    ("INVALID_QUANTITY", basket(("tea", 0)), nothing),
    ("UNKNOWN_PRODUCT", basket(("unheard-of", 1)), nothing),
    ("PRODUCT_NOT_FOR_SALE", basket(("draft", 1)), nothing),
    ("PRODUCT_NOT_FOR_SALE", TEA, lambda: retire_product(sku="tea", now=timezone.now())),
    ("NO_PRICE_IN_CURRENCY", basket(("tea", 1), currency="USD"), nothing),
    ("OUT_OF_STOCK", basket(("rare", 2)), nothing),
    ("TOTAL_CHANGED", TEA | {"confirmed_total": {"minor": 1, "currency": "EUR"}}, nothing),
    ("TERMS_NOT_ALLOWED", TEA | {"terms": {"shipping": "1.00"}}, nothing),
    ("UNKNOWN_PAYMENT_STRATEGY", TEA | {"payment_strategy": "shells"}, nothing),
    ("COUPON_UNKNOWN", TEA | {"coupons": ["spring"]}, nothing),
    ("COUPON_NOT_YET_VALID", TEA | {"coupons": ["spring"]},
     lambda: a_code("spring", valid_from=timezone.now() + SOON)),
    ("COUPON_EXPIRED", TEA | {"coupons": ["spring"]},
     lambda: a_code("spring", valid_until=timezone.now() + BEFORE)),
    ("COUPON_USED_UP", TEA | {"coupons": ["spring"]}, used_up),
    ("COUPON_USED_BEFORE", TEA | {"coupons": ["spring"]} | GERMAN, used_before),
    ("COUPON_NEEDS_CONTACT", TEA | {"coupons": ["spring"]},
     lambda: a_code("spring", most_per_customer=1)),
    ("SHIPPING_METHOD_MISSING", TEA, lambda: rules(Way("post", 300))),
    ("SHIPPING_METHOD_UNAVAILABLE", TEA | {"shipping_method": "pigeon"},
     lambda: rules(Way("post", 300))),
    ("TOTAL_NOT_POSITIVE", basket(("penny", 1), coupons=["spring"]), lambda: a_code("spring")),
]  # fmt: skip


def rules(*more: Any) -> None:
    InHand.registry = registry_of(FakePlugin(name="rules", rules=(ForACode(), *more)))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("shelf", "penny")
@override_settings(MIDDLEWARE=MIDDLEWARE)
@pytest.mark.parametrize(
    ("code", "asked", "before"), MET, ids=[f"{n} {one[0]}" for n, one in enumerate(MET)]
)
def test_it_is_met_over_http_with_its_status_and_told_in_two_languages(
    code: str, asked: dict[str, Any], before: Callable[[], object]
) -> None:
    rules()
    before()

    answer = Api().post("/orders", asked, Idempotency_Key="mine")

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (STATUS[code], code)
    codes = {each.code for each in tree()}
    assert unreadable(problem["detail"].replace("unheard-of", "it"), codes) == []
    told = said(Refused(code, problem["detail"], problem))
    assert unreadable(told["en"], codes) == unreadable(told["de"], codes) == []
    assert told["en"] != told["de"]


@pytest.fixture
def penny(shelf: None) -> None:
    """Put something up for sale that costs what the code takes off."""
    product = CreateProduct(sku="penny", name="A penny", price=Money(10, "EUR"), on_hand=5)
    create_product(product, now=timezone.now())
    publish_product(sku="penny", now=timezone.now())

"""What plugins may answer, field by field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from core.hooks.answers import expecting, listed, plain_data
from core.hooks.guard import WrongAnswerError
from core.hooks.manifest import ManifestError, read_manifest
from hookspecs import (
    Delivered,
    InProgress,
    NeedsCustomer,
    Notice,
    Outcome,
    PaymentInfo,
    Redirect,
    Show,
    Unknown,
    Untrusted,
)

READ = Sequence[Notice] | Untrusted | Unknown
SHOW = NeedsCustomer(action=Show(text="x"), expires_at=datetime(2026, 1, 1, tzinfo=UTC))
NEWS = Notice(event_id="1")


@pytest.mark.parametrize(
    ("hint", "answer", "kept"),
    [
        (Outcome, SHOW, SHOW),
        (READ, [NEWS], (NEWS,)),
        (READ, Untrusted(cause="x"), Untrusted(cause="x")),
        (Iterable[Notice], iter([NEWS]), (NEWS,)),
    ],
)
def test_what_the_page_says_is_let_through(hint: Any, answer: Any, kept: Any) -> None:
    assert expecting(hint)(answer) == kept


def like(value: Any) -> Any:
    """Say what a type checker would not let a plugin say."""
    return cast(Any, value)


@pytest.mark.parametrize(
    ("hint", "answer", "said"),
    [
        (Outcome, NEWS, "the answer is Notice, expected one of Done"),
        (
            Outcome,
            NeedsCustomer(action=Show(text="x"), expires_at=datetime(2026, 1, 1)),  # noqa: DTZ001
            "NeedsCustomer.expires_at is a time without a time zone",
        ),
        (Outcome, NeedsCustomer(action=like("go")), "NeedsCustomer.action is str, expected one of"),
        (
            Outcome,
            NeedsCustomer(action=Redirect(url="x", fields=like([]))),
            "Redirect.fields is list, expected a mapping",
        ),
        (
            Outcome,
            NeedsCustomer(action=Redirect(url="x", fields=like({"a": 1}))),
            "Redirect.fields is int, expected str",
        ),
        (Outcome, InProgress(check_after=like(5)), "InProgress.check_after is int"),
        (Delivered, None, "the answer is NoneType"),
        (READ, "news", "answered str, expected a sequence"),
        (READ, [NEWS, 3], "the answer is int, expected Notice"),
        (READ, {"a": NEWS}, "answered dict, expected a sequence"),
        (PaymentInfo, PaymentInfo(code="a", label="a", currencies=like(["EUR"])), "is list"),
        (
            PaymentInfo,
            PaymentInfo(code="a", label="a", currencies=frozenset(like({1}))),
            "expected one of",
        ),
        (
            PaymentInfo,
            PaymentInfo(code="a", label="a", keys_kept=like(timedelta)),
            "PaymentInfo.keys_kept is type, expected timedelta",
        ),
    ],
)
def test_anything_else_is_named(hint: Any, answer: Any, said: str) -> None:
    with pytest.raises(WrongAnswerError) as caught:
        expecting(hint)(answer)

    assert said in str(caught.value)


def test_an_endless_answer_ends() -> None:
    with pytest.raises(WrongAnswerError, match="more than 100000 items"):
        listed(iter(int, 1))


def test_plain_data_is_plain_all_the_way_down() -> None:
    data = {"a": [1, "b", None, {"c": (True, 1.5)}]}

    assert plain_data(data) == data


@pytest.mark.parametrize(
    "data", [[], {"a": object()}, {1: "a"}, {"a": [{2: 3}]}, {"a": {"b": timedelta(1)}}]
)
def test_data_that_is_not_plain_is_refused(data: Any) -> None:
    with pytest.raises(WrongAnswerError):
        plain_data(data)


GOOD: Mapping[str, str] = {"title": '"x"', "api": '">=1.0"', "hooks": "[]"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"title": "3"}, "title is a text, not 3"),
        ({"title": '""'}, "title has 1 to 200 characters"),
        ({"hooks": '"order_placed"'}, "hooks is a list of texts"),
        ({"after": "[1]"}, "after is a list of texts"),
        ({"urls": '"a b"'}, "urls = 'a b' is no dotted path"),
        ({"django_app": '"../x"'}, "django_app = '../x' is no dotted path"),
        ({"settings": '"a.b"'}, "settings = 'a.b' is no module:Class"),
        ({"mount": '"x"'}, "mount = 'x' is no path"),
        ({"only_in": '"production"'}, "only_in = 'production'; known is: sandbox"),
    ],
)
def test_a_manifest_that_is_wrong_says_where(changed: dict[str, str], said: str) -> None:
    text = "\n".join(f"{key} = {value}" for key, value in {**GOOD, **changed}.items())

    with pytest.raises(ManifestError) as caught:
        read_manifest(text, name="x", package="x", distribution="x", version="1")

    assert said in str(caught.value)


def test_a_manifest_without_a_mount_hangs_at_its_name() -> None:
    text = "\n".join(f"{key} = {value}" for key, value in GOOD.items())

    manifest = read_manifest(text, name="my-plugin", package="p", distribution="d", version="1")

    assert manifest.mount == "/x/my-plugin/"

"""The threads in which plugins do their I/O: few, their own, given up at a deadline, cleaned up."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from django.db import connection, transaction

from core.context import DEFAULT_TENANT, acting_for, tenant
from core.hooks.guarded import Limits
from core.hooks.pool import CalledInTransactionError, OverdueError, Pool, PoolFullError, Pools
from core.infrastructure.outside import close_connections, in_transaction
from core.models import Product
from core.testing.registries import FakePlugin, registry_of
from hookspecs import (
    Call,
    Done,
    InquireRequest,
    Money,
    NotFound,
    NotSent,
    Outcome,
    PaymentInfo,
    StartRequest,
    Unknown,
    Verb,
)
from tests.hooks.test_hooks import NOW, ORDER

LATE = 20.0
START = StartRequest(
    operation_id="op",
    payment_id="p",
    amount=Money(100, "EUR"),
    order=ORDER,
    return_url="",
    cancel_url="",
    webhook_url="",
)
INQUIRY = InquireRequest(
    operation_id="op",
    payment_id="p",
    amount=Money(100, "EUR"),
    order=ORDER,
    verb=Verb.START,
    sent_at=NOW,
)


class Till:
    """A way to pay that does what it is told to while it starts."""

    info = PaymentInfo(code="till", label="Till")

    def __init__(self, act: Callable[[], Any]) -> None:
        self.act = act

    def start(self, request: StartRequest, call: Call) -> Outcome:
        self.act()
        return Done(reference="r-1")

    def inquire(self, request: InquireRequest, call: Call) -> NotFound:
        self.act()
        return NotFound()


def strategy(act: Callable[[], Any], pools: Pools, *, grace: float = 0.05) -> Any:
    plugins = registry_of(
        FakePlugin(name="till", strategies=(Till(act),)), limits=Limits(grace=grace), pools=pools
    )
    return plugins.strategies["till"]


def soon(seconds: float = 5.0) -> Call:
    return Call(deadline=time.monotonic() + seconds)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What hangs hangs at this, and goes on when the test is over."""
    opened = threading.Event()
    yield opened
    opened.set()


def eventually(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + 5
    while not holds() and time.monotonic() < until:
        time.sleep(0.005)
    return holds()


def test_a_call_that_hangs_gives_its_caller_back_and_keeps_its_thread(
    gate: threading.Event,
) -> None:
    pools = Pools(size=2)
    hanging = strategy(lambda: gate.wait(LATE), pools)

    began = time.monotonic()
    answer = hanging.start(START, soon(0.1))
    took = time.monotonic() - began

    assert isinstance(answer, Unknown)
    assert answer.cause.startswith("no answer within 0.")
    assert took < 3 * 1.1
    assert pools.of("till").busy == 1
    gate.set()
    assert eventually(lambda: pools.of("till").busy == 0)


def test_a_full_pool_says_at_once_that_nothing_was_sent(gate: threading.Event) -> None:
    pools = Pools(size=2)
    hanging = strategy(lambda: gate.wait(LATE), pools)
    for _ in range(2):
        hanging.start(START, soon(0.05))

    began = time.monotonic()
    start, inquiry = hanging.start(START, soon(30)), hanging.inquire(INQUIRY, soon(30))

    assert time.monotonic() - began < 1.0
    assert start == NotSent(cause="all its threads are busy")
    assert inquiry == Unknown(cause="all its threads are busy")


def test_a_full_pool_is_its_plugins_own(gate: threading.Event) -> None:
    pools = Pools(size=1)
    strategy(lambda: gate.wait(LATE), pools).start(START, soon(0.05))

    other = registry_of(FakePlugin(name="b", strategies=(Till(lambda: None),)), pools=pools)

    assert other.strategies["till"].start(START, soon()) == Done(reference="r-1")


def test_threads_are_used_again_and_never_more_than_allowed() -> None:
    pool, names = Pool("one", size=3, after=lambda: None), set[str]()

    for _ in range(50):
        pool.run(lambda: names.add(str(threading.get_ident())), 5)

    assert len(names) == 1
    assert pool.busy == 0


@pytest.mark.parametrize("raised", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
def test_what_would_end_a_server_ends_a_call(raised: BaseException) -> None:
    pools = Pools()

    def act() -> None:
        raise raised

    answer = strategy(act, pools).start(START, soon())

    assert isinstance(answer, Unknown)
    assert type(raised).__name__ in answer.cause
    assert strategy(lambda: None, pools).start(START, soon()) == Done(reference="r-1")


def test_a_call_knows_whose_shop_it_is_and_changes_nobody_elses_context() -> None:
    word: ContextVar[str] = ContextVar("word", default="ours")
    seen = []

    def act() -> None:
        seen.append((tenant().slug, word.get()))
        word.set("theirs")

    with acting_for(DEFAULT_TENANT):
        strategy(act, Pools()).start(START, soon())

    assert seen == [("default", "ours")]
    assert word.get() == "ours"


@pytest.mark.parametrize("protected", [True, False])
def test_what_a_call_leaves_open_in_the_database_is_closed(
    transactional_db: None, protected: bool
) -> None:
    """Control: without cleaning up, the next call in that thread finds itself in a transaction."""
    pools = Pools(size=1, after=close_connections if protected else lambda: None)
    found = []

    def act() -> None:
        found.append(connection.in_atomic_block)
        transaction.atomic().__enter__()
        Product.objects.across_tenants().count()

    leaving = strategy(act, pools)
    for _ in range(2):
        leaving.start(START, soon())
    pools.of("till").run(close_connections, 5)

    assert found == [False, not protected]


@pytest.mark.parametrize("protected", [True, False])
def test_no_plugin_is_called_inside_a_transaction(transactional_db: None, protected: bool) -> None:
    """Control: without the look, it is called."""
    pools = Pools(in_transaction=in_transaction) if protected else Pools()
    called: list[int] = []
    till = strategy(lambda: called.append(1), pools)

    def call() -> None:
        with transaction.atomic():
            till.start(START, soon())

    if protected:
        with pytest.raises(CalledInTransactionError, match="start was called inside"):
            call()
    else:
        call()

    assert called == ([] if protected else [1])


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own(gate: threading.Event) -> None:
    pool = Pool("forked", size=1, after=lambda: None)
    with pytest.raises(OverdueError):
        pool.run(lambda: gate.wait(LATE), 0.05)
    with pytest.raises(PoolFullError):
        pool.run(lambda: None, 1)
    read, write = os.pipe()

    child = os.fork()
    if child == 0:
        os.write(write, str(pool.run(lambda: 7, 5).answer).encode())
        os._exit(0)
    os.waitpid(child, 0)

    assert os.read(read, 9) == b"7"
    os.close(read)
    os.close(write)

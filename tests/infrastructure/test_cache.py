"""Reading through the cache: one flight per key, no race with changes, and no need of a server."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from core.infrastructure.cache import TwoLevelCache
from core.infrastructure.far import Far
from core.infrastructure.near import Near

HOUR = timedelta(hours=1)


class Source:
    """The truth, which counts how often it is asked, and may be slow or broken."""

    def __init__(self, *, slow: float = 0.0, **values: Any) -> None:
        self.values: dict[str, Any] = values
        self.slow = slow
        self.broken = False
        self.asked: list[str] = []

    def load(self, keys: Sequence[str]) -> Mapping[str, Any]:
        self.asked += keys
        found = {key: self.values[key] for key in keys if key in self.values}
        time.sleep(self.slow)
        if self.broken:
            raise OSError("the source is broken")
        return found


class Clock:
    """A clock that goes when told."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def process(*, clock: Callable[[], float] = time.time, **options: Any) -> TwoLevelCache:
    """Return the cache of a process that keeps nothing to itself."""
    return TwoLevelCache(near=Near(seconds=0, entries=10), clock=clock, **options)


def read(
    cache: TwoLevelCache, source: Source, *keys: str, tenant: str = "default", **options: Any
) -> dict[str, Any]:
    options = {"ttl": HOUR, **options}
    return cache.read_through("product", keys, source.load, tenant=tenant, **options)


def test_it_loads_once_and_then_remembers() -> None:
    cache, source = process(), Source(a=1, b=2)

    first = read(cache, source, "a", "b", "gone", "a")
    second = read(cache, source, "b", "a")

    assert first == {"a": 1, "b": 2}
    assert second == {"b": 2, "a": 1}
    assert source.asked == ["a", "b", "gone"]


def test_another_process_finds_what_the_first_one_loaded() -> None:
    source = Source(a={"price_minor": 1999})

    read(process(), source, "a")
    found = read(process(), source, "a")

    assert found == {"a": {"price_minor": 1999}}
    assert source.asked == ["a"]


def test_the_near_level_saves_the_way_to_the_server(settings: Any) -> None:
    cache, source = TwoLevelCache(), Source(a=1)
    read(cache, source, "a")
    dead_server(settings)

    found = read(cache, source, "a")

    assert found == {"a": 1}
    assert source.asked == ["a"]


def test_the_near_level_keeps_no_more_than_it_may() -> None:
    near = Near(seconds=60, entries=2)

    near.put_many({"a": 1, "b": 2, "c": 3}, epoch=0)

    assert near.get_many("abc") == {"b": 2, "c": 3}


def test_tenants_share_nothing() -> None:
    cache, ours, theirs = process(), Source(a="ours"), Source(a="theirs")

    read(cache, ours, "a", tenant="one")
    found = read(cache, theirs, "a", tenant="two")

    assert found == {"a": "theirs"}


@pytest.mark.parametrize("tenant", ["", "a:b"])
def test_a_key_without_a_tenant_is_refused(tenant: str) -> None:
    with pytest.raises(ValueError, match="tenant"):
        read(process(), Source(), "a", tenant=tenant)


def test_a_bumped_key_is_loaded_again_everywhere() -> None:
    here, there, source = process(), process(), Source(a=1, b=1)
    read(here, source, "a", "b")
    source.values |= {"a": 2, "b": 2}

    here.bump("product", tenant="default", keys=["a"])

    assert read(there, source, "a", "b") == {"a": 2, "b": 1}


def test_a_bumped_namespace_is_loaded_again_but_no_other_tenant_s() -> None:
    cache, source = process(), Source(a=1)
    read(cache, source, "a")
    read(cache, source, "a", tenant="other")
    source.values["a"] = 2

    cache.bump("product", tenant="default")

    assert read(cache, source, "a") == {"a": 2}
    assert read(cache, source, "a", tenant="other") == {"a": 1}


def test_the_near_level_forgets_what_was_bumped_here() -> None:
    cache, source = TwoLevelCache(), Source(a=1)
    read(cache, source, "a")
    source.values["a"] = 2

    cache.bump("product", tenant="default", keys=["a"])

    assert read(cache, source, "a") == {"a": 2}


@pytest.mark.parametrize("near", [0, 60])
def test_what_was_loaded_before_a_change_and_stored_after_it_is_never_shown(near: int) -> None:
    cache = TwoLevelCache(near=Near(seconds=near, entries=10))
    source = Source(a="old")
    loading, changed = threading.Event(), threading.Event()

    def slow_load(keys: Sequence[str]) -> Mapping[str, Any]:
        found = source.load(keys)
        loading.set()
        assert changed.wait(5)
        return found

    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(
            cache.read_through, "product", ["a"], slow_load, ttl=HOUR, tenant="default"
        )
        assert loading.wait(5)
        source.values["a"] = "new"
        cache.bump("product", tenant="default", keys=["a"])
        changed.set()
        late.result()

    assert read(cache, source, "a") == {"a": "new"}


def test_twenty_readers_make_one_flight() -> None:
    cache, source = process(), Source(a=1, slow=0.2)

    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(lambda _: read(cache, source, "a"), range(20)))

    assert found == [{"a": 1}] * 20
    assert source.asked == ["a"]


def test_two_processes_make_one_flight() -> None:
    source = Source(a=1, slow=0.3)

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda cache: read(cache, source, "a"), [process(), process()]))

    assert found == [{"a": 1}] * 2
    assert source.asked == ["a"]


def test_a_process_that_died_in_flight_is_not_waited_for_longer_than_patience_lasts() -> None:
    source = Source(a=1)
    dead = Source(a=1, slow=1.5)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(read, process(), dead, "a")
        time.sleep(0.1)
        began = time.monotonic()
        found = read(process(patience=0.3), source, "a")
        took = time.monotonic() - began

    assert found == {"a": 1}
    assert took < 0.9


def test_a_reader_of_many_keys_loads_only_what_is_missing() -> None:
    cache, source = process(), Source(a=1, b=2, c=3)
    read(cache, source, "b")
    source.asked.clear()

    found = read(cache, source, "a", "b", "c")

    assert found == {"a": 1, "b": 2, "c": 3}
    assert source.asked == ["a", "c"]


def test_a_value_is_not_shown_beyond_its_time() -> None:
    clock, source = Clock(), Source(a=1)
    cache = process(clock=clock)
    read(cache, source, "a")
    source.values["a"] = 2

    clock.now += 3601

    assert read(cache, source, "a") == {"a": 2}


def test_while_one_reader_loads_the_others_are_given_the_old_copy() -> None:
    clock, source = Clock(), Source(a="old")
    cache = process(clock=clock)
    read(cache, source, "a", stale_ttl=HOUR)
    clock.now += 3601
    source.values["a"], source.slow = "new", 0.5

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(read, cache, source, "a", stale_ttl=HOUR)
        time.sleep(0.1)
        began = time.monotonic()
        meanwhile = read(cache, source, "a", stale_ttl=HOUR)
        elsewhere = read(process(clock=clock), source, "a", stale_ttl=HOUR)
        took = time.monotonic() - began

    assert (meanwhile, elsewhere) == ({"a": "old"}, {"a": "old"})
    assert first.result() == {"a": "new"}
    assert took < 0.4
    assert source.asked == ["a", "a"]


def test_what_cannot_be_loaded_is_given_stale_and_failing_that_the_error_comes_out() -> None:
    clock, source = Clock(), Source(a=1)
    cache = process(clock=clock)
    read(cache, source, "a", stale_ttl=HOUR)
    source.broken = True

    clock.now += 3601
    stale = read(cache, source, "a", stale_ttl=HOUR)
    clock.now += 3600

    assert stale == {"a": 1}
    with pytest.raises(OSError, match="broken"):
        read(cache, source, "a", stale_ttl=HOUR)


def test_after_a_failure_the_next_reader_tries_again() -> None:
    cache, source = process(), Source(a=1)
    source.broken = True
    with pytest.raises(OSError, match="broken"):
        read(cache, source, "a")
    source.broken = False

    assert read(cache, source, "a") == {"a": 1}


def test_what_is_gone_is_dropped() -> None:
    clock, source = Clock(), Source(a=1)
    cache = process(clock=clock)
    read(cache, source, "a", stale_ttl=HOUR)
    del source.values["a"]

    clock.now += 3601

    assert read(cache, source, "a", stale_ttl=HOUR) == {}


def test_refreshing_replaces_what_is_kept_and_drops_what_is_gone() -> None:
    cache, source = process(), Source(a=1, b=1)
    read(cache, source, "a", "b")
    source.values = {"a": 2}

    count = cache.refresh("product", ["a", "b"], source.load, ttl=HOUR, tenant="default")
    source.asked.clear()

    assert count == 1
    assert read(cache, source, "a", "b") == {"a": 2}
    assert source.asked == ["b"]


def dead_server(settings: Any) -> None:
    """Name a server where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    settings.CACHES = {"default": redis(port, settings)}


def redis(port: int, settings: Any) -> dict[str, Any]:
    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": f"redis://127.0.0.1:{port}/0",
        "KEY_PREFIX": settings.CACHES["default"]["KEY_PREFIX"],
        "OPTIONS": {"socket_timeout": 0.3, "socket_connect_timeout": 0.3},
    }


@pytest.fixture
def hanging(settings: Any) -> Iterator[None]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.CACHES = {"default": redis(server.getsockname()[1], settings)}
        yield


def test_with_the_server_dead_it_goes_on(settings: Any) -> None:
    cache, source = process(), Source(a=1)
    dead_server(settings)

    found = [read(cache, source, "a") for _ in range(3)]
    cache.bump("product", tenant="default", keys=["a"])

    assert found == [{"a": 1}] * 3
    assert source.asked == ["a"] * 3


@pytest.mark.usefixtures("hanging")
def test_a_server_that_hangs_costs_its_time_out_once_and_not_at_every_read() -> None:
    cache, source = process(far=Far(pause=30)), Source(a=1)
    began = time.monotonic()

    found = [read(cache, source, "a") for _ in range(50)]

    assert found == [{"a": 1}] * 50
    assert time.monotonic() - began < 5


def test_a_bump_that_met_a_dead_server_is_made_up_for(settings: Any) -> None:
    cache, source = process(far=Far(pause=0)), Source(a=1)
    alive = settings.CACHES
    read(cache, source, "a")
    dead_server(settings)
    source.values["a"] = 2

    cache.bump("product", tenant="default", keys=["a"])
    settings.CACHES = alive

    assert read(cache, source, "a") == {"a": 2}
    assert read(process(), source, "a") == {"a": 2}


def test_twenty_readers_make_one_flight_without_a_server(settings: Any) -> None:
    cache, source = TwoLevelCache(far=Far(pause=30)), Source(a=1, slow=0.2)
    dead_server(settings)

    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(lambda _: read(cache, source, "a"), range(20)))

    assert found == [{"a": 1}] * 20
    assert source.asked == ["a"]

"""Values with versions in the shared level: what was loaded before a change is never shown after it."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from core.infrastructure.far import TOKEN_SECONDS, Far

__all__ = ["Seen", "Space", "Versions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """One namespace of one tenant: how its keys are spelled, and how long its values last."""

    tenant: str
    namespace: str
    ttl: timedelta = timedelta(0)
    stale_ttl: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        """Refuse what would mix tenants, or outlive a version."""
        if not self.tenant or not self.namespace or ":" in self.tenant + self.namespace:
            raise ValueError("a cache key needs a tenant and a namespace, without a colon")
        if self.lasts > TOKEN_SECONDS:
            raise ValueError(f"ttl and stale_ttl together exceed {TOKEN_SECONDS} seconds")

    @property
    def lasts(self) -> float:
        """For how many seconds a value is worth keeping."""
        return (self.ttl + self.stale_ttl).total_seconds()

    @property
    def version(self) -> str:
        """The key of the namespace's version."""
        return f"ol1:{self.tenant}:{self.namespace}:n"

    @property
    def position(self) -> str:
        """The key under which a round over the namespace remembers how far it has come."""
        return f"ol1:{self.tenant}:{self.namespace}:p"

    @property
    def values(self) -> str:
        """What the keys of all its values begin with."""
        return f"ol1:{self.tenant}:{self.namespace}:v:"

    def spelled(self, kind: str, key: str) -> str:
        """Return the full key of a value `v`, a key's own version `k` or a flight `f`."""
        digest = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
        return f"ol1:{self.tenant}:{self.namespace}:{kind}:{digest}"


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look showed; `stamps` is empty where no server answered."""

    stamps: dict[str, tuple[str, str]] = field(default_factory=dict)
    fresh: dict[str, Any] = field(default_factory=dict)
    stale: dict[str, Any] = field(default_factory=dict)


class Versions:
    """The shared level, each value stamped with the versions it was loaded under.

    A version is changed after a commit. A value that was loaded before and stored after that bears
    the old stamp, so that there is no race to lose, and nothing has to be deleted in time.
    """

    def __init__(self, far: Far, *, clock: Callable[[], float] = time.time) -> None:
        self._far = far
        self._clock = clock

    def look(self, space: Space, keys: Sequence[str]) -> Seen:
        """Look before loading: the stamps seen here are those that `keep` stores."""
        spelled = [space.spelled(kind, key) for key in keys for kind in "vk"]
        answer = self._far.get_many([space.version, *spelled])
        if answer is None:
            return Seen()
        version = answer.get(space.version) or self._first_version(space)
        seen, now = Seen(), self._clock()
        for key in keys:
            stamp = (version, answer.get(space.spelled("k", key), ""))
            seen.stamps[key] = stamp
            entry = answer.get(space.spelled("v", key))
            if entry is not None and entry[0] == stamp and now < entry[2]:
                (seen.fresh if now < entry[1] else seen.stale)[key] = entry[3]
        return seen

    def keep(self, space: Space, loaded: Mapping[str, Any], seen: Seen) -> None:
        """Store what was loaded after that look."""
        now = self._clock()
        fresh, usable = now + space.ttl.total_seconds(), now + space.lasts
        entries = {
            space.spelled("v", key): (seen.stamps[key], fresh, usable, value)
            for key, value in loaded.items()
            if key in seen.stamps
        }
        self._far.set_many(entries, seconds=space.lasts)

    def drop(self, space: Space, keys: Iterable[str]) -> None:
        """Forget these, which are no more."""
        self._far.delete_many(space.spelled("v", key) for key in keys)

    def bump(self, space: Space, keys: Iterable[str] | None) -> None:
        """Change the version of these keys, or of the whole namespace."""
        spelled = [space.version] if keys is None else [space.spelled("k", key) for key in keys]
        self._far.owe({key: secrets.token_hex(8) for key in spelled})

    def _first_version(self, space: Space) -> str:
        mine = secrets.token_hex(8)
        if self._far.add(space.version, mine, seconds=TOKEN_SECONDS):
            return mine
        return str((self._far.get_many([space.version]) or {}).get(space.version, mine))

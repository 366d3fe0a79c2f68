"""What is known of a plugin: four facts, the one word computed from them, and its problems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from core.hooks.manifest import Manifest
from core.hooks.settings import Layer

__all__ = [
    "Ailment",
    "Code",
    "Configuration",
    "Health",
    "KnownPlugin",
    "PluginStates",
    "PluginView",
    "Problem",
    "State",
    "Switch",
    "state_of",
]


class Code(StrEnum):
    """Whether the plugin's code is there and runs."""

    FOUND = "FOUND"
    """Only between the two phases: to be imported."""
    LOADED = "LOADED"
    BLOCKED = "BLOCKED"
    INCOMPATIBLE = "INCOMPATIBLE"
    LOAD_FAILED = "LOAD_FAILED"
    MISSING = "MISSING"


class Configuration(StrEnum):
    """Whether its settings could work."""

    OK = "OK"
    NOT_CONFIGURED = "NOT_CONFIGURED"


class Switch(StrEnum):
    """Whether a person wants it."""

    ON = "ON"
    OFF = "OFF"


class Health(StrEnum):
    """Whether it has been answering."""

    OK = "OK"
    QUARANTINED = "QUARANTINED"


class State(StrEnum):
    """The one word that people see."""

    INCOMPATIBLE = "INCOMPATIBLE"
    BLOCKED = "BLOCKED"
    LOAD_FAILED = "LOAD_FAILED"
    MISSING = "MISSING"
    NOT_CONFIGURED = "NOT_CONFIGURED"
    SERVICING = "SERVICING"
    DISABLED = "DISABLED"
    QUARANTINED = "QUARANTINED"
    ENABLED = "ENABLED"


_ABSENT = {
    Code.INCOMPATIBLE: State.INCOMPATIBLE,
    Code.BLOCKED: State.BLOCKED,
    Code.LOAD_FAILED: State.LOAD_FAILED,
    Code.MISSING: State.MISSING,
}


def state_of(
    *,
    code: Code,
    configuration: Configuration,
    switch: Switch,
    health: Health,
    open_work: bool,
) -> State:
    """Compute the one word from the four facts and from open work; the first that holds."""
    if code in _ABSENT:
        return _ABSENT[code]
    if configuration is Configuration.NOT_CONFIGURED:
        return State.NOT_CONFIGURED
    if switch is Switch.OFF:
        return State.SERVICING if open_work else State.DISABLED
    return State.QUARANTINED if health is Health.QUARANTINED else State.ENABLED


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something wrong with a plugin: one plain line under the id of a system check."""

    plugin: str
    id: str
    text: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.plugin}: {self.text}" if self.plugin else self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPlugin:
    """A plugin's tombstone: what its row keeps when the package is gone.

    `prices` says that it had a mandatory pricing rule, `was_on` that it was in use.
    """

    name: str
    distribution: str
    version: str = ""
    title: str = ""
    was_on: bool = True
    prices: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ailment:
    """What all processes have found about a plugin's offers of one kind (and account).

    It `rests` for `wait` seconds before somebody probes, or it is `quarantined` until a person
    lifts that. Another version of the plugin begins anew.
    """

    plugin: str
    kind: str
    account: str
    version: str
    cause: str = ""
    rests: bool = False
    wait: float = 0.0
    quarantined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginStates:
    """What the database and the settings say of plugins to one tenant, as one frozen value.

    `disabled` are those switched off, whoever did it, `why_off` says who; `named` are those that
    ORDERLOOM_PLUGINS_DISABLED names. `console` holds what was set there, by plugin, the tenant's
    layer above the installation's; `former` what was in force there before, newest first: payments
    may have been begun with it. `unmigrated` are those whose own tables are behind their code,
    `ailing` what failed too often. The rules of those in `shadow` are asked without effect.
    `refreshed` is False for the states that a process begins with, before its first look into the
    database: settings may still be lying there, so that missing ones are no problem yet.
    """

    tenant: str = "default"
    disabled: frozenset[str] = frozenset()
    why_off: Mapping[str, str] = field(default_factory=dict)
    named: frozenset[str] = frozenset()
    console: Mapping[str, tuple[Layer, ...]] = field(default_factory=dict)
    former: Mapping[str, tuple[tuple[Layer, ...], ...]] = field(default_factory=dict)
    known: tuple[KnownPlugin, ...] = ()
    unmigrated: frozenset[str] = frozenset()
    shadow: frozenset[str] = frozenset()
    ailing: tuple[Ailment, ...] = ()
    generation: int = 0
    refreshed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginView:
    """A plugin as people see it: identity, facts, why, and the codes of what it offers."""

    name: str
    title: str
    distribution: str
    version: str
    code: Code
    configuration: Configuration = Configuration.OK
    switch: Switch = Switch.ON
    health: Health = Health.OK
    open_work: bool = False
    why: str = ""
    hooks: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    """The codes among its offers that are notification channels."""
    prices: bool = False
    """It has a mandatory pricing rule."""
    manifest: Manifest | None = None

    @property
    def state(self) -> State:
        """The one word."""
        return state_of(
            code=self.code,
            configuration=self.configuration,
            switch=self.switch,
            health=self.health,
            open_work=self.open_work,
        )

    @property
    def in_use(self) -> bool:
        """Whether its own pages and its part of the console are there."""
        return self.state in {State.ENABLED, State.QUARANTINED}

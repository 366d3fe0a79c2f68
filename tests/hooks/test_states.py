"""One word from four facts and open work."""

from __future__ import annotations

from itertools import product

import pytest

from core.hooks.states import Code, Configuration, Health, State, Switch, state_of

ON, OFF = Switch.ON, Switch.OFF
WELL, ILL = Health.OK, Health.QUARANTINED
SET, UNSET = Configuration.OK, Configuration.NOT_CONFIGURED


@pytest.mark.parametrize(
    ("configuration", "switch", "health", "open_work", "state"),
    [
        (SET, ON, WELL, False, State.ENABLED),
        (SET, ON, WELL, True, State.ENABLED),
        (SET, ON, ILL, False, State.QUARANTINED),
        (SET, ON, ILL, True, State.QUARANTINED),
        (SET, OFF, WELL, False, State.DISABLED),
        (SET, OFF, ILL, False, State.DISABLED),
        (SET, OFF, WELL, True, State.SERVICING),
        (SET, OFF, ILL, True, State.SERVICING),
        *((UNSET, *rest, State.NOT_CONFIGURED) for rest in product(Switch, Health, (True, False))),
    ],
)
def test_a_loaded_plugin_is_what_its_facts_amount_to(
    configuration: Configuration, switch: Switch, health: Health, open_work: bool, state: State
) -> None:
    found = state_of(
        code=Code.LOADED,
        configuration=configuration,
        switch=switch,
        health=health,
        open_work=open_work,
    )

    assert found is state


@pytest.mark.parametrize(
    "code", [Code.BLOCKED, Code.INCOMPATIBLE, Code.LOAD_FAILED, Code.MISSING], ids=str
)
def test_what_is_not_loaded_is_called_by_why(code: Code) -> None:
    every = product(Configuration, Switch, Health, (True, False))

    found = {
        state_of(code=code, configuration=c, switch=s, health=h, open_work=w)
        for c, s, h, w in every
    }

    assert found == {State(code.value)}

"""Every module we ship keeps the laws, and each law finds a planted violation."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.house import laws
from tests.house.laws import LAWS, Module
from tests.house.tree import shelf, shown, sources

pytestmark = pytest.mark.once

GOOD = '"""What lives here."""\n\nfrom __future__ import annotations\n'
LONG = "def f() -> None:\n" + "    print()\n" * 60
PLUGIN = "plugins/one/src/one/plugin.py"
PLUGIN_TEST = "plugins/one/tests/test_one.py"

PLANTED = [
    (laws.short_module, "core/a.py", "\n" * 301),
    (laws.short_module, "hookspecs.py", "\n" * 1201),
    (laws.short_functions, "core/a.py", LONG),
    (laws.one_sentence, "core/a.py", "import os\n"),
    (laws.one_sentence, "core/a.py", '"""Stuff"""\n'),
    (laws.annotations_later, "core/a.py", '"""What lives here."""\n\nimport os\n'),
    (laws.all_annotated, "core/a.py", "def f(a) -> None: ...\n"),
    (laws.all_annotated, "core/a.py", "def f(a: int): ...\n"),
    (laws.open_imports, "core/a.py", "def f() -> None:\n    from core import conf\n"),
    (laws.open_imports, PLUGIN, "def f() -> None:\n    from one import gateway\n"),
    (laws.open_imports, "core/a.py", "def f() -> None:\n    from . import conf\n"),
    (laws.no_type_checking, "core/a.py", "from typing import TYPE_" + "CHECKING\n"),
    (laws.finished, "core/a.py", "# TO" + "DO later\n"),
    (laws.telling_name, "core/utils.py", ""),
    (laws.telling_name, "core/helpers/money.py", ""),
    (laws.public_names, "core/a.py", "__all__ = ['a']\ndef a(): ...\ndef b(): ...\n"),
    (laws.public_names, "core/a.py", "__all__ = ['a', 'b']\ndef a(): ...\n"),
    (laws.public_names, "core/a.py", "__all__ = ['a', 'a']\ndef a(): ...\n"),
    (laws.public_names, "hookspecs.py", "def a(): ...\n"),
    (laws.pure_page, "hookspecs.py", "import django\n"),
    (laws.pure_page, "hookspecs.py", "from core import conf\n"),
    (laws.outside, PLUGIN, "from core.models import Order\n"),
    (laws.leaves_with_its_plugin, PLUGIN_TEST, "from tests.domain.quotes import a_quote\n"),
    (laws.leaves_with_its_plugin, PLUGIN_TEST, "from core.domain.pricing import compose\n"),
    (laws.leaves_with_its_plugin, PLUGIN_TEST, "from payment_stripe_like import plugin\n"),
    (laws.leaves_with_its_plugin, PLUGIN_TEST, "from plugins.storefront.tests import shop\n"),
]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_every_module_keeps(law: Callable[[Module], Iterator[str]]) -> None:
    modules = [Module(shown(path), path.read_text(encoding="utf-8")) for path in sources()]

    broken = [f"{module.path}: {place}" for module in modules for place in law(module)]

    assert not broken, f"{law.__doc__}\n" + "\n".join(broken)


def test_every_plugins_tests_leave_with_it() -> None:
    tests = [path for plugin in shelf() for path in plugin.glob("tests/**/*.py")]
    modules = [Module(shown(path), path.read_text(encoding="utf-8")) for path in tests]

    broken = {
        module.path: places
        for module in modules
        if (places := list(laws.leaves_with_its_plugin(module)))
    }

    assert len(modules) > 20
    assert not broken


@pytest.mark.parametrize(
    ("law", "path", "text"),
    PLANTED,
    ids=[f"{law.__name__}-{n}" for n, (law, *_) in enumerate(PLANTED)],
)
def test_a_planted_violation_is_found(
    law: Callable[[Module], Iterator[str]], path: str, text: str
) -> None:
    assert list(law(Module(path, text)))


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_every_law_has_a_planted_violation(law: Callable[[Module], Iterator[str]]) -> None:
    assert law in {planted for planted, *_ in PLANTED}


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_a_good_module_passes(law: Callable[[Module], Iterator[str]]) -> None:
    assert not list(law(Module("core/a.py", GOOD)))

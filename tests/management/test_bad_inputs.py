"""Bad input by file, command line and environment: exit code, stable code, nothing written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps

from core.management.commands.import_orders import Command as ImportOrders
from core.management.commands.import_products import Command as ImportProducts
from tests.application.folders import LINE_COLUMNS, LINES, ORDERS, PRODUCTS, folder, write
from tests.house.tree import ROOT

COMMANDS = {"import_products": ImportProducts, "import_orders": ImportOrders}


@dataclass(frozen=True, kw_only=True)
class Bad:
    """A command that is refused: its arguments, how it ends, and what it says, and where."""

    arguments: tuple[str, ...]
    exit: int
    code: str
    where: tuple[str, int] | None = None


def products(path: Path, *lines: str, encoding: str = "utf-8") -> None:
    write(path / "products.csv", *lines, encoding=encoding)


def prepare_table(path: Path) -> None:
    """Lay out every broken file that a row below names."""
    products(path, *PRODUCTS)
    columns = PRODUCTS[0]
    write(path / "latin.csv", *PRODUCTS, encoding="latin-1")
    write(path / "utf16.csv", *PRODUCTS, encoding="utf-16")
    write(path / "letters.csv", columns, "1,Chai,Beverages,10,cheap,USD,39,0")
    write(path / "negative.csv", columns, "1,Chai,Beverages,10,18.00,USD,-39,0")
    write(path / "free.csv", columns, "1,Chai,Beverages,10,0,USD,39,0")
    write(path / "semicolons.csv", *(line.replace(",", ";") for line in PRODUCTS))
    write(path / "typo.csv", columns + ",tax_clas", "1,Chai,Beverages,10,18.00,USD,39,0,food")
    write(path / "twice.csv", *PRODUCTS, PRODUCTS[1])
    (path / "empty.csv").write_bytes(b"")
    folder(path / "orders")
    folder(path / "negative", lines=(*LINES, "100,1,18.00,-2,0"))
    folder(path / "stranger", lines=(LINE_COLUMNS, *LINES[2:], "999,1,18.00,2,0"))
    folder(path / "quotes", lines=(*LINES, '100,"1,18.00,2,0'))
    folder(path / "swapped", orders=LINES, lines=ORDERS)
    (path / "nothing").mkdir()


IMPORT = "import_products"
ROWS = {
    "a file that isn't there": Bad(arguments=(IMPORT, "none.csv"), exit=2, code="MISSING_FILE"),
    "a folder for a file": Bad(arguments=(IMPORT, "orders"), exit=2, code="UNREADABLE_FILE"),
    "an empty file": Bad(arguments=(IMPORT, "empty.csv"), exit=2, code="MISSING_COLUMN"),
    "semicolons": Bad(
        arguments=(IMPORT, "semicolons.csv"),
        exit=2,
        code="MISSING_COLUMN",
        where=("semicolons.csv", 1),
    ),
    "a misspelt column": Bad(
        arguments=(IMPORT, "typo.csv"), exit=2, code="UNKNOWN_COLUMN", where=("typo.csv", 1)
    ),
    "another encoding in a cell": Bad(
        arguments=(IMPORT, "latin.csv", "--all-or-nothing"),
        exit=1,
        code="WRONG_ENCODING",
        where=("latin.csv", 4),
    ),
    "another encoding altogether": Bad(
        arguments=(IMPORT, "utf16.csv"), exit=2, code="WRONG_ENCODING"
    ),
    "an encoding that doesn't exist": Bad(
        arguments=(IMPORT, "products.csv", "--encoding", "utf-9"), exit=2, code="WRONG_ENCODING"
    ),
    "letters for a price": Bad(
        arguments=(IMPORT, "letters.csv"), exit=1, code="INVALID_INPUT", where=("letters.csv", 2)
    ),
    "a negative stock": Bad(
        arguments=(IMPORT, "negative.csv"), exit=1, code="INVALID_INPUT", where=("negative.csv", 2)
    ),
    "a price of nothing": Bad(
        arguments=(IMPORT, "free.csv"), exit=1, code="PRICE_NOT_POSITIVE", where=("free.csv", 2)
    ),
    "a sku given twice": Bad(
        arguments=(IMPORT, "twice.csv", "--all-or-nothing"),
        exit=1,
        code="DUPLICATE_ID",
        where=("twice.csv", 5),
    ),
    "a tenant that isn't there": Bad(
        arguments=(IMPORT, "products.csv", "--tenant", "nobody"), exit=2, code="NOT_FOUND"
    ),
    "a folder without files": Bad(
        arguments=("import_orders", "nothing"),
        exit=2,
        code="MISSING_FILE",
        where=("orders.csv", 1),
    ),
    "files that changed places": Bad(
        arguments=("import_orders", "swapped"),
        exit=2,
        code="MISSING_COLUMN",
        where=("orders.csv", 1),
    ),
    "products that aren't there": Bad(
        arguments=("import_orders", "orders", "--all-or-nothing"),
        exit=1,
        code="UNKNOWN_PRODUCT",
        where=("order_lines.csv", 2),
    ),
    "a negative quantity": Bad(
        arguments=("import_orders", "negative", "--all-or-nothing"),
        exit=1,
        code="INVALID_QUANTITY",
        where=("order_lines.csv", 6),
    ),
    "a line of no order": Bad(
        arguments=("import_orders", "stranger", "--all-or-nothing"),
        exit=1,
        code="UNKNOWN_ORDER",
        where=("order_lines.csv", 5),
    ),
    "a quote that swallows lines": Bad(
        arguments=("import_orders", "quotes"),
        exit=2,
        code="BROKEN_QUOTES",
        where=("order_lines.csv", 6),
    ),
    "a source with a colon": Bad(
        arguments=("import_orders", "orders", "--source", "a:b"), exit=2, code="INVALID_INPUT"
    ),
}


def rows_of_every_table() -> dict[str, int]:
    models = apps.get_app_config("orderloom").get_models()
    return {
        model.__name__: getattr(model.objects, "across_tenants", model.objects.all)().count()
        for model in models
        if not model.__name__.startswith("Plugin")
    }


def run(arguments: tuple[str, ...]) -> int:
    """Run a command as the command line does; return its exit code."""
    command = COMMANDS[arguments[0]]()
    with pytest.raises(SystemExit) as ended:
        command.run_from_argv(["manage.py", *arguments])
    return int(ended.value.code or 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("bad", ROWS.values(), ids=list(ROWS))
def test_bad_files_and_arguments_end_with_a_code_and_change_nothing(
    bad: Bad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare_table(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = rows_of_every_table()

    code = run((*bad.arguments, "--json"))

    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    found = {error["code"]: error for error in reversed(told["errors"])}
    assert code == bad.exit
    assert bad.code in found
    if bad.where:
        error = found[bad.code]
        assert (error["file"], error["line"]) == bad.where
    assert rows_of_every_table() == before


@pytest.mark.django_db(transaction=True)
def test_people_read_file_line_and_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare_table(tmp_path)
    monkeypatch.chdir(tmp_path)

    code = run((IMPORT, "letters.csv", "--verbosity=0"))

    said = capsys.readouterr()
    assert code == 1
    assert said.err == (
        "letters.csv, line 2, unit_price: unit_price has to be an amount in USD such as 12.50, "
        "not 'cheap'. [INVALID_INPUT]\n"
    )
    assert said.out == "1 products: 0 new, 0 changed, 0 as they were, 1 refused.\n"


@pytest.mark.once
@pytest.mark.parametrize(
    "arguments",
    [
        ("import_products",),
        ("import_products", "a.csv", "b.csv"),
        ("import_orders", "folder", "--jobs", "many"),
    ],
)
def test_a_wrong_command_line_ends_with_2(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(arguments)

    assert code == 2
    assert f"manage.py {arguments[0]}: error:" in capsys.readouterr().err


ENVIRONMENT = {
    "a database we don't speak to": ({"DATABASE_URL": "mysql://u@h/shop"}, "DATABASE_URL"),
    "a cache we don't speak to": ({"CACHE_URL": "memcache://h:1"}, "CACHE_URL"),
    "a word for a duration": (
        {"ORDERLOOM_RESERVATION_SECONDS": "soon"},
        "ORDERLOOM_RESERVATION_SECONDS is 'soon': expected a number",
    ),
    "a unit behind a duration": (
        {"ORDERLOOM_LEASE_SECONDS": "5s"},
        "ORDERLOOM_LEASE_SECONDS is '5s': ",
    ),
    "letters for numbers": ({"ORDERLOOM_LOOK_UPS": "a,b"}, "ORDERLOOM_LOOK_UPS is 'a,b': "),
    "a switch that is neither": ({"ORDERLOOM_STRICT": "yess"}, "ORDERLOOM_STRICT is 'yess': "),
    "no address of a database": (
        {"DATABASE_URL": "foo"},
        "DATABASE_URL is 'foo': expected sqlite:///",
    ),
    "a login in a wrong address": (
        {"DATABASE_URL": "postgres://u:secret@h:port/shop"},
        "DATABASE_URL is 'postgres://…@h:port/shop': ",
    ),
    "a time limit PostgreSQL can't read": (
        {"DATABASE_URL": "postgres://u@h/shop", "DATABASE_LOCK_TIMEOUT": "2 -c x=y"},
        "DATABASE_LOCK_TIMEOUT is '2 -c x=y': ",
    ),
    "no address of a mail server": ({"EMAIL_URL": "xx"}, "EMAIL_URL is 'xx': "),
    "half an object": ({"ORDERLOOM_PLUGIN_SETTINGS": "{"}, "ORDERLOOM_PLUGIN_SETTINGS can't"),
    "a list for an object": ({"ORDERLOOM_PLUGIN_SETTINGS": "[1]"}, "ORDERLOOM_PLUGIN_SETTINGS "),
    "a zone on another planet": ({"TIME_ZONE": "Mars"}, "TIME_ZONE is 'Mars': "),
    "a language nobody wrote": ({"LANGUAGE_CODE": "tlh"}, "LANGUAGE_CODE is 'tlh': "),
    "a loud log": ({"LOG_LEVEL": "loud"}, "LOG_LEVEL is 'loud': expected one of DEBUG, INFO"),
    "a log in verse": ({"LOG_FORMAT": "verse"}, "LOG_FORMAT is 'verse': "),
    "a folder that can't be": (
        {"ORDERLOOM_DATA": "/dev/null/shop"},
        "ORDERLOOM_DATA is '/dev/null/shop': expected a folder",
    ),
    "a currency by its name": ({"ORDERLOOM_CURRENCY": "Euro"}, "ORDERLOOM_CURRENCY is 'Euro': "),
    "a rounding nobody knows": ({"ORDERLOOM_TAX_ROUNDING": "up"}, "ORDERLOOM_TAX_ROUNDING is 'up"),
    "no address of a shop": ({"ORDERLOOM_PUBLIC_URL": "foo"}, "ORDERLOOM_PUBLIC_URL is 'foo': "),
    "hosts left out": ({"DEBUG": "0", "ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS"),
}


@pytest.mark.once
@pytest.mark.parametrize(("variables", "named"), ENVIRONMENT.values(), ids=list(ENVIRONMENT))
def test_a_bad_environment_is_one_plain_sentence_that_names_the_variable(
    variables: dict[str, str], named: str, tmp_path: Path
) -> None:
    given = {"SECRET_KEY": "k" * 60, "ALLOWED_HOSTS": "localhost", "ORDERLOOM_DATA": str(tmp_path)}
    write(tmp_path / "products.csv", *PRODUCTS)

    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), IMPORT, str(tmp_path / "products.csv")],
        env={"PATH": os.environ["PATH"], **given, **variables},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith(named)
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.glob("*.sqlite3"))

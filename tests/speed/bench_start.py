"""What starting costs: bare Django, the core, the core with twenty plugins; and each plugin's import.

Turn by turn, in processes of their own, by the seconds of processor time that each took, so that a
busy machine tells the same. `python -m tests.speed.bench_start [--rounds N]`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path

from tests.hooks.gallery import RULE, STRATEGY, TELL, Gallery
from tests.hooks.test_apps import APP, FILES
from tests.house.tree import ROOT, shelf

PLUGINS = 20
TIMED = "import resource, sys\nspent = resource.getrusage(resource.RUSAGE_SELF)\n"
TIMED += "sys.stderr.write(f'{spent.ru_utime + spent.ru_stime}')\n"
BARE = """
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="x",
    INSTALLED_APPS=["django.contrib." + name for name in
                    ("admin", "auth", "contenttypes", "sessions", "messages", "staticfiles")],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    ROOT_URLCONF="urls", USE_TZ=True,
)
import sys, types
urls = types.ModuleType("urls")
sys.modules["urls"] = urls
django.setup()
from django.contrib import admin
from django.urls import get_resolver, path
urls.urlpatterns = [path("admin/", admin.site.urls)]
from django.core.wsgi import get_wsgi_application
get_wsgi_application()
get_resolver().url_patterns
"""
OURS = """
import core.project.wsgi
from django.urls import get_resolver
get_resolver().url_patterns
"""
DISCOVER = """
import sys
from core.hooks.discovery import discover
from time import process_time
discover(allow=None, safe_mode=False, sandbox=True)
began = process_time()
for _ in range(10):
    discover(allow=None, safe_mode=False, sandbox=True)
sys.stderr.write(str((process_time() - began) / 10))
"""
IMPORT = """
import django, hookspecs, sys
from django.conf import settings
apps = ["django.contrib.contenttypes", "django.contrib.auth"]
settings.configure(INSTALLED_APPS=apps, SECRET_KEY="x")
django.setup()
from time import process_time
began = process_time()
if THE_APP:
    django.apps.apps.set_installed_apps([*apps, THE_APP])
import NAMES
sys.stderr.write(str(process_time() - began))
"""


def spent(program: str, environ: Mapping[str, str]) -> float:
    """Return the milliseconds that a program says it took."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stderr.splitlines()[-1]) * 1000


def write(gallery: Gallery) -> list[str]:
    """Write twenty plugins: ways to pay, rules and listeners, four with apps of their own."""
    names = []
    for number in range(PLUGINS):
        name = f"bench-{number}"
        code, hook = (
            (STRATEGY.format(code=f"pay-{number}", account=None), "payment_strategies"),
            (RULE.format(key=f"rule-{number}", optional=True), "pricing_rules"),
            (TELL, "order_placed"),
        )[number % 3]
        own = {"more": APP, "files": FILES} if number % 5 == 0 else {}
        gallery.add(name, code, hooks=(hook,), **own)
        names.append(name)
    return names


def told(name: str, figures: list[float], over: float = 0.0) -> str:
    middle = statistics.median(figures)
    more = f"  {middle - over:+7.0f} ms" if over else ""
    return f"{name:<34}{middle:8.1f} ms ({min(figures):.1f} to {max(figures):.1f}){more}"


def main() -> None:
    """Measure and say."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder, "site")
        site.mkdir()
        names = write(Gallery(site))
        common = {
            "SECRET_KEY": "bench",
            "ALLOWED_HOSTS": "localhost",
            "LOG_LEVEL": "ERROR",
            "ORDERLOOM_DATA": folder,
            "DATABASE_URL": f"sqlite:///{folder}/shop.sqlite3",
            "DJANGO_SETTINGS_MODULE": "core.project.settings",
            "PYTHONPATH": str(site),
        }
        programs = {
            "bare Django with its console": (BARE + TIMED, {"DJANGO_SETTINGS_MODULE": ""}),
            "the core, no plugin": (OURS + TIMED, {"ORDERLOOM_PLUGINS": ""}),
            f"the core, {PLUGINS} plugins": (OURS + TIMED, {"ORDERLOOM_PLUGINS": ",".join(names)}),
            "discovery, all that is installed": (DISCOVER, {}),
            "discovery, without the twenty": (DISCOVER, {"PYTHONPATH": ""}),
        }
        for plugin in shelf():
            package = plugin.name
            found = [f"{package}.plugin", f"{package}.settings"]
            here = [
                name
                for name in found
                if (plugin / "src" / (name.replace(".", "/") + ".py")).is_file()
            ]
            app = tomllib.loads((plugin / "src" / package / "plugin.toml").read_text("utf-8"))
            program = IMPORT.replace("NAMES", ", ".join(here))
            program = program.replace("THE_APP", repr(app.get("django_app", "")))
            programs[f"import {package}"] = (program, {"DJANGO_SETTINGS_MODULE": ""})
        figures: dict[str, list[float]] = {name: [] for name in programs}
        for _ in range(rounds):
            for name, (program, environ) in programs.items():
                figures[name].append(spent(program, common | environ))
    bare = statistics.median(figures["bare Django with its console"])
    for name, several in figures.items():
        print(told(name, several, bare if name.startswith("the core") else 0.0))
    found, without = (statistics.median(figures[n]) for n in list(programs)[3:5])
    print(f"{'discovery, per plugin':<34}{(found - without) / PLUGINS:8.2f} ms")


if __name__ == "__main__":
    main()

# Two commands are the whole set-up: `make run` and `make test`. Both make what they need.
#
#   make run ARGS=--once            place an order through every payment plugin, then stop
#   PYTHON=python3.13 make test     another Python, in a folder of its own

PYTHON ?= python3
VENV ?= $(if $(filter python3,$(PYTHON)),.venv,.venv-$(notdir $(PYTHON)))
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input --quiet
SHELF := $(patsubst %/pyproject.toml,%,$(sort $(wildcard plugins/*/pyproject.toml)))
SOURCES := $(wildcard $(addsuffix /src,$(SHELF)))
WORKERS ?= 2
ARGS ?=
BENCH ?= bench_place_order

empty :=
export MYPYPATH := $(subst $(empty) $(empty),:,$(strip $(SOURCES)))

.PHONY: run test browser wheels bench bench-start mutation lint types contracts page conformance docs format venv lock clean
.DELETE_ON_ERROR:

run: $(VENV)/shelf-on-run
	@DEBUG=$${DEBUG:-1} ORDERLOOM_SANDBOX=$${ORDERLOOM_SANDBOX:-1} $(PY) manage.py up $(ARGS)

# SQLite first, then the core alone, without any plugin, then PostgreSQL and Valkey: the given ones
# (DATABASE_URL, CACHE_URL) or our own.
ALONE := $(wildcard $(addprefix tests/,domain application models hooks http))
PASSES := sqlite $(if $(ARGS),,alone) postgres
test: $(VENV)/shelf-on-test
	@rm -f var/tests/*.json; status=0; \
	for pass in $(PASSES); do \
	  if test $$pass = alone; then tests="$(ALONE)"; else tests="$(ARGS)"; fi; \
	  $(PY) -m tests.servers $$pass -- $(PY) -m pytest -n $(WORKERS) $$tests || \
	    { test $$? = 5 && test -n "$(ARGS)"; } || status=1; \
	done; \
	$(PY) -m tests.totals && exit $$status

browser: $(VENV)/shelf-on-test
	env -u DATABASE_URL -u CACHE_URL ORDERLOOM_TEST_PASS=browser $(PY) -m pytest -m browser tests/browser $(ARGS)

wheels: $(VENV)/shelf-on-test
	env -u DATABASE_URL -u CACHE_URL ORDERLOOM_TEST_PASS=wheels $(PY) -m pytest -m wheels tests/house tests/typing $(ARGS)

# Ratios to a hand-written floor, turn by turn, on the PostgreSQL of DATABASE_URL; BENCH=bench_pricing prices 100 lines by 20 rules.
bench: $(VENV)/shelf-on-test
	SECRET_KEY=bench ALLOWED_HOSTS=localhost DJANGO_SETTINGS_MODULE=core.project.settings $(PY) -m tests.speed.$(BENCH) $(ARGS)

# Whether the tests notice that what decides about money was changed: ARGS="domain",
# ARGS="use_cases --sample 200 --seed word". Minutes for the first, an hour for all of the second.
mutation: $(VENV)/shelf-on-dev
	env -u DATABASE_URL -u CACHE_URL $(PY) -m tests.mutation $(or $(ARGS),domain)

# What starting costs with twenty plugins, beside bare Django, and each plugin's import.
bench-start: $(VENV)/shelf-on-test
	$(PY) -m tests.speed.bench_start $(ARGS)

lint: $(VENV)/locked-test
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

format: $(VENV)/locked-test
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

types: $(VENV)/shelf-on-test
	SECRET_KEY=types ALLOWED_HOSTS=localhost $(PY) -m mypy core hookspecs.py manage.py $(SOURCES)

contracts: $(VENV)/shelf-on-test
	$(PY) -m tests.house.contracts

# What the contract suites say of every plugin on the shelf, written into its package.
CONTRACTS := tests/contract/test_gateways.py tests/contract/test_own_ledgers.py $(wildcard plugins/*/tests/test_contract.py)
conformance: $(VENV)/shelf-on-test
	env -u DATABASE_URL -u CACHE_URL $(PY) -m pytest -q -p core.testing.conformance --conformance-in-packages $(CONTRACTS)

# What has changed in the contract page since BASE, and whether its version goes with it.
BASE ?= HEAD
page: $(VENV)/shelf-on-test
	$(PY) manage.py plugins diff $(BASE) --check

# The hook reference, from the contract page.
docs: $(VENV)/locked-run
	$(PY) docs/reference.py

# Everything that people who work on Orderloom use.
venv: $(VENV)/shelf-on-dev

# An installed lock, checked by its hashes; test holds run, dev holds test.
$(VENV)/locked-%: requirements/%.txt | $(VENV)/bin/python
	@echo "Installing requirements/$*.txt" >&2
	@$(PIP) install --require-hashes -r requirements/$*.txt
	@touch $@

# The core and every plugin on the shelf, editable; again when one is added or changes its metadata.
$(VENV)/shelf-on-%: $(VENV)/locked-% $(VENV)/shelf pyproject.toml setup.py $(addsuffix /pyproject.toml,$(SHELF))
	@echo "Installing orderloom and $(words $(SHELF)) plugins" >&2
	@$(PIP) install --no-deps --no-build-isolation -e . $(addprefix -e ./,$(SHELF))
	@touch $@

$(VENV)/shelf: FORCE | $(VENV)/bin/python
	@echo "$(SHELF)" | cmp -s - $@ || echo "$(SHELF)" > $@

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Orderloom needs Python 3.11 or newer; set PYTHON=")'
	@$(PYTHON) -m venv $(VENV)

# The locks hold hashes and no addresses.
LOCK := $(VENV)/bin/uv pip compile --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-header --no-strip-extras --quiet pyproject.toml --extra postgres --extra redis --extra prod
lock: $(VENV)/locked-dev
	$(LOCK) requirements/run.in -o requirements/run.txt
	$(LOCK) requirements/run.in requirements/test.in -c requirements/run.txt \
	  --extra celery --extra metrics -o requirements/test.txt
	$(LOCK) requirements/run.in requirements/test.in requirements/dev.in -c requirements/test.txt \
	  --extra celery --extra metrics -o requirements/dev.txt
	@! grep -n '://' requirements/*.txt

clean:
	rm -rf .venv .venv-* build dist var *.egg-info plugins/*/*.egg-info plugins/*/src/*.egg-info plugins/*/build

FORCE:

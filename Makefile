# Everything starts here: `make run` for a post office on this machine, `make test` for all that we promise.
# Needs Python 3.11 or newer and make; the rest is installed into .venv, again only when pyproject.toml changes.

VENV ?= .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet
export PIP_ROOT_USER_ACTION := ignore

SOURCES := src tests tools bench
PYTEST := $(BIN)/python -m pytest

# In this order also with -j: nothing is checked before it is installed.
.NOTPARALLEL:
.PHONY: run test check static format rfc bench fuzz fuzz-guided interop clean help

help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

run: $(VENV)/.installed ## a post office on this machine: made-up accounts, own certificate, high ports
	$(BIN)/posthaus dev

test: $(VENV)/.installed-dev static ## all checks and all tests; installs what is missing
	$(PYTEST)

check: static ## the same without installing and without slow tests
	$(PYTEST) -m "not slow and not interop"

static:
	$(BIN)/ruff format --check $(wildcard $(SOURCES))
	$(BIN)/ruff check $(wildcard $(SOURCES))
	$(BIN)/mypy $(wildcard src tests tools)
	$(BIN)/lint-imports

format: ## bring the sources into the one form
	$(BIN)/ruff format $(wildcard $(SOURCES))
	$(BIN)/ruff check --fix $(wildcard $(SOURCES))

rfc: ## check the index of RFCs and write docs/rfc/xref.md
	$(or $(wildcard $(BIN)/python),$(PYTHON)) tools/rfcindex.py

bench: $(VENV)/.installed-dev ## measure beside other servers; SCRIPTS=dir holds the measuring scripts
	$(BIN)/python bench/run.py $(if $(SCRIPTS),--scripts $(SCRIPTS))

fuzz: $(VENV)/.installed-dev ## the property tests with many more examples
	$(PYTEST) tests/fuzz --hypothesis-profile=long --timeout=3600

fuzz-guided: $(VENV)/.installed-fuzz ## fuzzing led by coverage, with atheris; TARGET=imap or scan, FOR=300 seconds
	$(BIN)/python -m tests.fuzz.guided $(or $(TARGET),imap) -max_total_time=$(or $(FOR),300)

interop: $(VENV)/.installed-dev ## real programs against the server
	$(PYTEST) tests/interop

clean: ## what was made here, the installation as well
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# -- installing: a stamp for each of the three sets, older than pyproject.toml means again ---------------------------

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "posthaus needs Python 3.11 or newer; set PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments;" \
		"on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(PIP) install --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	$(PIP) install --editable '.[dev,postgres]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-fuzz: $(VENV)/.installed-dev
	$(PIP) install --editable '.[fuzz]'
	@touch $@

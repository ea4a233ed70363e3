# What a person or a build machine types. Needs Python 3.11 or later, make, and a package index.
#
#   make try     a scripted outage, without Seawall and with it (no key, no network)
#   make test    the tests            make lint   style, types, the order of imports, forbidden words
#   make bench   the benchmarks       make npm    the real JavaScript clients of some tests (needs npm)
#   make index   compile the catalogue of causes      make lock   lock the dependencies anew (needs uv)
#   make reference   the page of settings from config.py
#   make docs    the site, with a page for each cause: build/docs/site/index.html
#   make lab     the doctor in some hundred broken networks, and its score (Linux)
#   make fuzz    hostile texts for `seawall explain`, for SECONDS=60
#   make score CORPUS=FILE   how well `seawall explain` names the labelled texts of a file

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?=
UV ?= uv
CORPUS ?= ../shared/corpus/dev.jsonl
TESTS ?=
SECONDS ?= 60
CLIENTS := tests/clients

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup try test lab lint format bench index reference docs fuzz score lock npm build clean

help:
	@sed -n 's/^#   //p' Makefile

setup: $(VENV)/.installed

# The first interpreter that really runs and is new enough; PYTHON=... decides for itself.
$(VENV)/bin/python:
	@for candidate in $(if $(PYTHON),"$(PYTHON)",python3.11 python3 python3.12 python3.13 python3.14 python); do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    echo "Setting up $(VENV) with $$("$$candidate" --version)"; \
	    "$$candidate" -m venv $(VENV) && exit 0; \
	    rm -rf $(VENV); \
	    echo "Could not make a virtual environment (on Debian and Ubuntu: install python3-venv)." >&2; exit 1; \
	  fi; \
	done; \
	echo "Seawall needs Python 3.11 or later, and found none that runs$(if $(PYTHON), as '$(PYTHON)'). Name one: make PYTHON=/path/to/python3.12 ..." >&2; \
	exit 1

$(VENV)/.locked: requirements/dev.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: -r requirements/dev.txt
	@touch $@

$(VENV)/.installed: $(VENV)/.locked pyproject.toml
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

try: setup
	@$(BIN)/seawall drill

# Two workers at least: a few tests wait for processes, not for the processor.
test: setup npm
	$(BIN)/python -m pytest -n $$($(BIN)/python -c 'import os; print(max(2, os.cpu_count() or 2))') $(TESTS)

# Networks of its own, made and removed by the tests; what cannot be tried here is skipped with the reason.
lab: setup
	$(BIN)/python -m pytest -q tests/lab

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_house.py

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup
	$(BIN)/python -m bench

index: setup
	$(BIN)/python -m seawall.causes.compile

reference: setup
	$(BIN)/python docs/settings_table.py

# The packages of the site are not among those of the tests. Everything it shows is in its folder: fonts, scripts, search.
docs: setup $(VENV)/.docs
	$(BIN)/python docs/site/stage.py build/docs
	$(BIN)/zensical build --strict --config-file build/docs/mkdocs.yml
	$(BIN)/python docs/site/check.py build/docs/site
	@echo "Open build/docs/site/index.html; with search: $(BIN)/python -m http.server -b 127.0.0.1 -d build/docs/site"

$(VENV)/.docs: requirements/docs.txt $(VENV)/.locked
	$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: -r requirements/docs.txt
	@touch $@

# Where atheris has no wheel (macOS, other processors), Hypothesis looks instead.
fuzz: setup
	@$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: -r requirements/fuzz.txt || true
	$(BIN)/python tests/causes/fuzz.py $(SECONDS) build/fuzz

score: setup
	@$(BIN)/python -m bench.score $(CORPUS)

# The files hold every platform's wheels by hash. `dev` follows `runtime`, so that what is tested is what is installed;
# `docs` and `fuzz` follow `dev`, into whose environment they are put.
lock:
	$(UV) pip compile --universal --generate-hashes --no-header --no-annotate --python-version 3.11 \
	  pyproject.toml -o requirements/runtime.txt
	$(UV) pip compile --universal --generate-hashes --no-header --no-annotate --python-version 3.11 \
	  --constraint requirements/runtime.txt --group dev pyproject.toml -o requirements/dev.txt
	for group in docs fuzz; do \
	  $(UV) pip compile --universal --generate-hashes --no-header --no-annotate --python-version 3.11 \
	    --constraint requirements/dev.txt --group $$group -o requirements/$$group.txt || exit 1; \
	done

# Real clients from npm; without npm, or without what it fetches, the tests that need them say that they were skipped. On
# a build machine (CI is set) that is an error: nobody reads there what was skipped.
npm:
	@if [ ! -f $(CLIENTS)/package-lock.json ]; then :; \
	elif ! command -v npm >/dev/null 2>&1; then echo "npm is not here: tests with the JavaScript clients will be skipped."; \
	elif [ $(CLIENTS)/node_modules/.package-lock.json -nt $(CLIENTS)/package-lock.json ]; then :; \
	elif (cd $(CLIENTS) && npm ci --no-audit --no-fund --loglevel=error $(if $(CI),,--fetch-retries=1)); then :; \
	elif [ -n "$(CI)" ]; then echo "npm could not fetch the JavaScript clients, and CI is set." >&2; exit 1; \
	else echo "npm could not fetch the JavaScript clients: tests with them will be skipped."; fi

build: setup
	$(BIN)/python -m hatchling build

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

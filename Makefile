# Two commands for a day: `make run` and `make test`. `make check` is the judge of style and types.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
ARGS ?=
PART ?= all
AGAIN ?=
BIN := .venv/bin
READY_RUN := .venv/.ready-run
READY := .venv/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

.PHONY: help run test check format coverage mutants nightly results golden folder pages completion docs lock clean

help: ## Say what there is.
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | while IFS=$$'\t' read -r name text; do printf '  make %-9s %s\n' "$$name" "$$text"; done
	@echo '  PYTHON=...     the Python (3.11 or later) that .venv is made with; ARGS="..." goes to run, test and nightly.'

run: $(READY_RUN) ## Start everything on this machine.
	@$(BIN)/basalt up $(ARGS)

# Compiled once: every test system starts seven processes, and the environment may forbid them to keep it.
test: $(READY) ## Run every test.
	@$(BIN)/python -m compileall -q core services schemas bench tests
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(READY) ## Judge format, style, types and layers; every judge is heard.
	@failed=0; \
	for judge in 'ruff format --check .' 'ruff check .' mypy basedpyright lint-imports; do \
		echo "== $$judge"; $(BIN)/$$judge || failed=1; \
	done; \
	exit $$failed

format: $(READY) ## Put the format right.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

coverage: $(READY) ## Show that every branch of core is taken by a test; 4 to 15 minutes.
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m coverage run --source core -m pytest -q tests/unit tests/scenario tests/property
	@$(BIN)/python -m coverage combine -q
	@$(BIN)/python -m coverage report --fail-under 100

mutants: $(READY) ## Change limits, pulses, boluses and insulin 6200 times; 95 % must be noticed. An hour or two.
	@$(BIN)/mutmut run --max-children 2 $(ARGS)
	@$(BIN)/python -m bench.mutants

nightly: $(READY) ## Run what takes long, in parts of an hour; PART=list shows them, PART=name runs one, AGAIN=1 once more.
	@PYTHONPATH=tests $(BIN)/python -m support.nightly.run $(PART) $(if $(AGAIN),--again) $(ARGS)

results: $(READY) ## Add up what the nightly runs tried and found.
	@PYTHONPATH=tests $(BIN)/python -m support.nightly.results

golden: $(READY) ## Write the golden history of the version that is being made; never of a released one.
	@cd tests && ../$(BIN)/python -m support.history.golden_history

folder: $(READY) ## Write the kept data folder of the version that is being made; never of a released one.
	@cd tests && ../$(BIN)/python -m support.history.kept_folders

pages: $(READY) ## Write the pages of docs/ that follow from code: requirements, alarms, events, doses, rights.
	@cd tests && ../$(BIN)/python -m support.pages.requirement_table
	@cd tests && ../$(BIN)/python -m support.pages.alarm_page
	@cd tests && ../$(BIN)/python -m support.pages.event_page
	@cd tests && ../$(BIN)/python -m support.pages.dose_page
	@cd tests && ../$(BIN)/python -m support.pages.rights_page

completion: $(READY) ## Write the completion scripts of the shells anew.
	@cd tests && ../$(BIN)/python -m support.pages.completion_scripts

docs: $(READY) ## Build the documentation as a site in docs/_build; a broken reference fails.
	@$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	@echo 'docs/_build/html/index.html'

lock: $(READY) ## Write both lock files anew from pyproject.toml, for every Python; keeps pins that still fit.
	$(LOCK) --extra build --output-file requirements.lock $(ARGS) pyproject.toml
	$(LOCK) --all-extras --constraint requirements.lock --output-file requirements-dev.lock $(ARGS) pyproject.toml

clean: ## Remove .venv and all caches; keeps data.
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* mutants
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What is missing is said before anything is made.
$(READY_RUN): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo 'Basalt needs Python 3.11 or later, and "$(PYTHON)" was not found; try make PYTHON=python3.11'; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Basalt needs Python 3.11 or later, and \"$(PYTHON)\" is $$($(PYTHON) -V 2>&1); try make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo 'Basalt needs the venv module of Python, and "$(PYTHON)" comes without it; on Debian and Ubuntu: apt install python3-venv'; exit 1; }
	@echo 'Setting up .venv; this happens once.'
	@$(PYTHON) -m venv .venv
	@$(PIP) install --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(READY): $(READY_RUN) requirements-dev.lock
	@echo 'Installing what tests and checks need; this happens once.'
	@$(PIP) install --require-hashes --requirement requirements-dev.lock
	@touch $@

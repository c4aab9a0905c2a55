# Every target makes its own virtual environment; all it needs is Python ≥ 3.11 and a package index.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check --no-input
# Processes that run the tests side by side.
WORKERS ?= 2
# The interpreter that makes the environment; found by itself unless given.
PYTHON ?=

.PHONY: help demo test rendering golden coverage operators reproduce-small fuzz lint format wheel clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/installed ## Compile, certify and evaluate operators on neural networks (about a minute)
	@$(BIN)/python examples/quickstart.py

test: $(VENV)/installed-dev ## Run all tests
	@$(BIN)/python -m pytest -q -n $(WORKERS)

rendering: $(VENV)/installed-dev ## Open reports in Chromium and pdflatex (Debian: chromium, texlive-latex-base)
	@$(PIP) install --constraint constraints.txt --editable '.[cli,test,dev,rendering]'
	@$(BIN)/python -m pytest -q tests/report/rendering.py

golden: $(VENV)/installed-dev ## Write kept reports, the picture of the README and the schema of plans anew
	@PYTHONPATH=.:tests $(BIN)/python tests/report/golden.py
	@PYTHONPATH=.:tests $(BIN)/python tests/ir/schema_file.py

coverage: $(VENV)/installed-dev ## Run the engine's whole coverage matrix (about an hour of processor time)
	@OPCOMPILER_COVERAGE=full $(BIN)/python -m pytest -q -n $(WORKERS) tests/taylor/coverage

operators: $(VENV)/installed-dev ## Compare all strategies on 300 random operators (about 10 minutes)
	@OPCOMPILER_DRAWS=300 $(BIN)/python -m pytest -q --durations=5 tests/planning/test_strategies.py

reproduce-small: $(VENV)/installed-dev ## Train the small set of problems and write its table (goes on where it was stopped)
	@$(BIN)/python examples/high_dimensional/reproduce.py --set small \
	  --runs build/reproduced/runs --csv build/reproduced/small.csv --table build/reproduced/small.md

fuzz: $(VENV)/installed-dev ## Read 20 000 mutated, random and generated texts each (about 10 minutes)
	@OPCOMPILER_FUZZ=20000 $(BIN)/python -m pytest -q --durations=5 tests/language/test_fuzz.py

lint: $(VENV)/installed-dev ## Check style, types and the layers of the architecture
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright --pythonpath $(BIN)/python
	@$(BIN)/lint-imports

format: $(VENV)/installed-dev ## Rewrite the files in the house style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

wheel: $(VENV)/installed-dev ## Build the wheel into dist/
	@rm -rf dist
	@$(BIN)/python -m build --quiet --wheel --outdir dist .
	@ls dist/*.whl

clean: ## Remove the environment and everything built
	rm -rf $(VENV) dist build .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@for candidate in $(or $(PYTHON),python3.11 python3.12 python3.13 python3.14 python3 python); do \
	  if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' > /dev/null 2>&1; then \
	    echo "making $(VENV) with $$("$$candidate" --version)"; \
	    "$$candidate" -m venv $(VENV); \
	    exit 0; \
	  fi; \
	done; \
	echo "error: no Python ≥ 3.11 with the modules venv and ensurepip was found" >&2; \
	echo "hint: install one (on Debian: apt install python3 python3-venv), or name it: make PYTHON=/path/to/python" >&2; \
	exit 1

$(VENV)/installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing opcompiler and what it needs into $(VENV) (once)"
	@$(PIP) install --constraint constraints.txt --editable '.[cli]'
	@touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing opcompiler and the tools of development into $(VENV) (once)"
	@$(PIP) install --constraint constraints.txt --editable '.[cli,solve,test,dev]'
	@touch $@ $(VENV)/installed

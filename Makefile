# `make` sets up, processes raw/ and says what was found; `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := run
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
RAW ?= raw
OUT ?= processed
# For example: make WORKERS=4 SETTINGS=my.toml
WORKERS ?=
SETTINGS ?=
RUN = $(BIN)/presscut run $(RAW) -o $(OUT) $(if $(WORKERS),--workers $(WORKERS)) $(if $(SETTINGS),--settings $(SETTINGS))
# Set by .ci/run, which brings an environment of its own.
DEV_READY ?=
READY := $(if $(DEV_READY),,$(VENV)/.installed)
READY_DEV := $(if $(DEV_READY),,$(VENV)/.installed-dev)
# One thread a library: workers share the cores already.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: run segment label language tables help check test test-all gate bench docs clean

run: $(READY)  ## process raw/ into processed/ (the default)
	@$(RUN)

# The stages one by one; each keeps its pages, and the next goes on from them.
segment: $(READY)  ## stop after the pages are cut into blocks
	@$(RUN) --until segment

label: segment  ## stop after blocks have roles and pages metadata
	@$(RUN) --until label

language: label  ## stop after languages are told apart
	@$(RUN) --until language

tables: language  ## the tables, from the kept pages
	@$(RUN) --until tables

$(VENV)/.installed: pyproject.toml setup.py $(wildcard pipeline/native/*.pyx)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "presscut needs Python 3.11 or newer; try make PYTHON=python3.12")'
	@echo "setting up $(VENV) (once; a minute or two)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "installing what tests and checks need (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

check: $(READY_DEV)  ## formatting, lint, types, generated docs
	$(BIN)/ruff format --check pipeline tests bench training
	$(BIN)/ruff check pipeline tests bench training
	$(BIN)/mypy
	$(BIN)/python -m bench.docs --check

test: $(READY_DEV)  ## tests that take minutes, not hours
	$(BIN)/python -m pytest -n auto -m 'not slow'

test-all: $(READY_DEV)  ## also the slow ones: a Ray cluster (if installed), an S3 server
	$(BIN)/python -m pytest -n auto

gate: $(READY_DEV)  ## floors of quality on the labelled pages, where they are
	@if [ -d ../shared/bench ]; then $(BIN)/python -m tests.gate; \
	else echo "gate skipped: it needs the labelled pages in ../shared/bench"; fi

bench: $(READY_DEV)  ## milliseconds a page for every stage
	@$(BIN)/python -m bench.stages

docs: $(READY_DEV)  ## write the generated pages and parts of pages
	$(BIN)/python -m bench.docs

clean:  ## remove processed/ and caches; raw/ and .venv stay
	rm -rf $(OUT) build dist *.egg-info pipeline/native/*.c pipeline/native/*.so .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find pipeline tests bench training -name __pycache__ -type d -prune -exec rm -rf {} +

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

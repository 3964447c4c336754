# Two commands for newcomers: `make demo` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test check soak collector rules dashboards-preview lock clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

demo: $(VENV)/.demo ## the main job, end to end, on a DuckDB file: no Docker, no key
	@$(BIN)/taximeter demo $(ARGS)

test: $(VENV)/.dev ## install what the tests need and run every one of them
	@scripts/install-servers
	@collector/build
	@scripts/install-sdks
	@scripts/install-peers
	@$(MAKE) --no-print-directory check
	@$(BIN)/pytest $(ARGS)

soak: $(VENV)/.dev ## an hour or two of kills, full disks, outages and random bodies: nothing lost, nothing twice
	@scripts/install-servers
	@collector/build
	@$(BIN)/python -m tests.soak $(ARGS)
	@TAXIMETER_FUZZ_EXAMPLES=$(or $(EXAMPLES),200000) $(BIN)/pytest tests/taximeter_processor/ingest/test_fuzz.py

check: $(VENV)/.dev ## lint, types, generated files
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

collector: ## build the OpenTelemetry Collector from its official modules
	@collector/build

rules: $(VENV)/.dev ## generate dashboards, alert rules and Alertmanager's configuration
	@$(BIN)/taximeter rules --out grafana

dashboards-preview: $(VENV)/.dev ## draw the dashboards from real answers into .build/dashboards (needs Chromium)
	@scripts/install-servers
	@$(BIN)/python -m tests.dashboards.preview $(ARGS)

lock: $(VENV)/.dev ## resolve dependencies anew into requirements/
	@scripts/lock

clean: ## remove everything that can be made again
	@rm -rf $(VENV) .build .mypy_cache .pytest_cache .ruff_cache taximeter-demo

$(VENV)/.demo: requirements/demo.txt pyproject.toml
	@scripts/install demo $(PYTHON) $(VENV)

$(VENV)/.dev: requirements/dev.txt pyproject.toml
	@scripts/install dev $(PYTHON) $(VENV)

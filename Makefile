# Every command that a person needs. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

PYTHON ?= python3
PORT ?= 8000
MODEL ?= bundled
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready

.PHONY: help
help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

PUBLISHED ?=

.PHONY: train
train: $(READY) ## Train the bundled network (DATA= folder of the DDTI set); goes on where it was interrupted
	@test -n "$${DATA:-}" || { echo 'Say where the DDTI set is: make train DATA=FOLDER'; exit 2; }
	$(PY) -m thyroid_model.train --data "$$DATA"

.PHONY: evaluate
evaluate: $(READY) ## Measure it on the cases that it did not see (DATA=; PUBLISHED= a weights file to compare with)
	@test -n "$${DATA:-}" || { echo 'Say where the DDTI set is: make evaluate DATA=FOLDER'; exit 2; }
	$(PY) -m thyroid_model.evaluate --data "$$DATA" $(if $(PUBLISHED),--published "$(PUBLISHED)")

# Every command that a person needs. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
# For recipes of several steps; not .SHELLFLAGS, which the make of macOS does not know.
STRICT := set -euo pipefail;

# Where this is set, every start of Python compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
MODEL ?= bundled
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "%-14s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

# uv installs in a third of pip's time. It does not read pip's settings, so it is told of pip's index; where it fails all the
# same, pip installs. $(1) is the environment, $(2) what to install.
UV := .venv-uv/bin/uv
install = @index=$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$($(1)/bin/python -m pip config get global.index-url 2>/dev/null)}}; \
	$${index:+env UV_DEFAULT_INDEX=$$index} $(UV) pip install --quiet --compile-bytecode --python $(1)/bin/python $(2) \
	|| { echo 'uv could not install it; pip does, which takes minutes.' >&2; \
		$(1)/bin/python -m pip install --quiet --disable-pip-version-check $(2); }

.venv-uv/.ready: requirements.txt
	$(PYTHON) -m venv .venv-uv
	.venv-uv/bin/python -m pip install --quiet --disable-pip-version-check "$$(sed -n 's/^\(uv==[^ ;]*\).*/\1/p' requirements.txt)"
	@touch $@

$(READY): requirements.txt pyproject.toml | .venv-uv/.ready
	@echo 'Setting up $(VENV), once: TensorFlow and the rest of requirements.txt take a minute or two.'
	$(PYTHON) -m venv $(VENV)
	$(call install,$(VENV),-r requirements.txt)
	$(call install,$(VENV),--no-deps --no-build-isolation -e .)
	@touch $@

# --- serve, test, check ---------------------------------------------------------------------------------------------------

# The artifact is compiled again when another model is asked for, or what it is made with has changed.
ifneq ($(words $(MODEL)),1)
$(error MODEL has to be bundled, published or a path without spaces, not '$(MODEL)')
endif
COMPILED := build/.compiled-$(subst /,_,$(MODEL))
COMPILED_FROM := $(filter-out %.pyc,$(wildcard layers/model/thyroid_model/*.py layers/model/thyroid_model/*/*.* $(MODEL))) \
	$(patsubst %,layers/inference/python/thyroid/core/%.py,field_of_view formats imaging litert_engine manifest preprocessing structure) \
	layers/inference/python/thyroid/phantom.py

$(COMPILED): $(READY) $(COMPILED_FROM)
	@rm -f build/.compiled-*
	@echo 'Compiling the model ($(MODEL)): a minute or two.'
	$(PY) -m thyroid_model.compiling.compile --model "$(MODEL)" --out build/model
	@touch $@

.PHONY: run
run: $(COMPILED) ## Serve on http://localhost:8000 (PORT=, MODEL=bundled|published|PATH)
	$(VENV)/bin/uvicorn functions.local:app --host $(HOST) --port $(PORT) --timeout-graceful-shutdown 60

.PHONY: model
model: $(COMPILED) ## Compile a model into build/model (MODEL=bundled|published|PATH)

# Tests run on all cores, a file in one process: fixtures of a module are made once. What measures time or needs the whole
# machine is marked `serial` and runs by itself afterwards.
ARGS ?=
COVERAGE ?=
SERIAL = -m serial $(shell grep --recursive --files-with-matches --include='test_*.py' 'mark\.serial' $(1))
PARALLEL := --numprocesses auto --dist loadfile --no-loadscope-reorder -m "not serial"
.PHONY: test
test: $(COMPILED) ## The suite, without a container engine (ARGS="tests/unit/core/test_imaging.py -k tiff"; COVERAGE=yes: with its coverage)
ifneq ($(strip $(ARGS)),)
	$(PY) -m pytest $(ARGS) $(if $(filter yes,$(COVERAGE)),--cov --cov-report=term-missing:skip-covered --cov-fail-under=0)
else ifeq ($(COVERAGE),yes)
	$(PY) -m pytest $(PARALLEL) --cov --cov-report= --cov-fail-under=0
	$(PY) -m pytest $(call SERIAL,tests/unit tests/integration) --cov --cov-append --cov-report=term-missing:skip-covered
else
	$(PY) -m pytest $(PARALLEL)
	$(PY) -m pytest $(call SERIAL,tests/unit tests/integration)
endif

.PHONY: browser
browser: $(COMPILED) ## The page in a real browser (CHROMIUM= another than the one that is found)
	$(PY) -m pytest tests/browser

.PHONY: test-slow
test-slow: $(COMPILED) ## The long ones: every image and layer against double precision, made-up requests, the page in a browser
	$(PY) -m pytest $(PARALLEL) --timeout 1800 tests/slow tests/browser
	$(PY) -m pytest $(call SERIAL,tests/slow tests/browser) --timeout 1800

# What mutmut calls a mutant begins with the name that its module is imported by, which it takes from the path: so the
# package lies under src in a copy of what is needed. What the project wants is installed beside, in $(VENV).
MUTMUT := THYROID_MODEL_DIR="$(CURDIR)/build/model" PYTHONPATH="$(CURDIR)/build/mutants/mutants/src:$$packages" \
	"$(CURDIR)/.venv-mutants/bin/mutmut"

.PHONY: mutants
mutants: $(COMPILED) .venv-mutants/.ready ## Mutation testing of what decides on an image, into build/mutants (docs/mutants.md)
	@rm -rf build/mutants && mkdir -p build/mutants/src build/mutants/mutants/src  # the latter is on the path
	@cp -R layers/inference/python/thyroid build/mutants/src && cp -R tests pyproject.toml build/mutants
	@$(STRICT) packages=$$($(PY) -c 'import sysconfig; print(sysconfig.get_path("purelib"))'); cd build/mutants; \
	$(MUTMUT) run; \
	$(MUTMUT) results --all yes > results.txt; \
	sed -n 's/^ *\(.*\): survived$$/\1/p' results.txt | while read -r mutant; do $(MUTMUT) show "$$mutant"; done > survivors.diff; \
	sed 's/^ *thyroid\.\(.*\)\.[^.]*: /\1: /' results.txt | sort | uniq -c

.PHONY: lint
lint: $(READY) ## Linters and types, in seconds once mypy has its cache
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy

.PHONY: check
check: lint ## Linters, types, security, templates

.PHONY: format
format: $(READY) ## Format the code
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

# --- train and evaluate the bundled model ---------------------------------------------------------------------------------

PUBLISHED ?=

.PHONY: train
train: $(READY) ## Train the bundled network (DATA= folder of the datasets: ddti/, bus-bra/, breast/); resumes an interrupted run
	@test -n "$${DATA:-}" || { echo 'Say where the sets are: make train DATA=FOLDER'; exit 2; }
	$(PY) -m thyroid_model.training.train --data "$$DATA"

.PHONY: evaluate
evaluate: $(READY) ## Evaluate the bundled network on cases that it did not see, and write MODEL_CARD.md (DATA=; PUBLISHED= weights to compare with)
	@test -n "$${DATA:-}" || { echo 'Say where the sets are: make evaluate DATA=FOLDER'; exit 2; }
	$(PY) -m thyroid_model.evaluation.evaluate --data "$$DATA" $(if $(PUBLISHED),--published "$(PUBLISHED)")

# Other servers that the benchmark measures ours beside; it does without those that can't be installed here.
SERVERS := litserve bentoml mlserver

.PHONY: bench
bench: $(COMPILED) ## Measure the service beside what people would use instead, into build/bench (QUICK=yes: to see that it works; KEEP=yes: into docs)
	@for server in $(SERVERS); do $(MAKE) --no-print-directory ".venv-bench-$$server/.ready" || \
		echo "$$server can't be installed here; the rest is measured without it."; done
	$(PY) -m benchmarks $(if $(QUICK),--quick) $(if $(KEEP),--keep)

# --- the image and the stack ---------------------------------------------------------------------------------------------

BASE_IMAGE ?=
# Of this machine, since TensorFlow compiles the model in the build, and under emulation that takes long or fails.
ARCHITECTURE ?= $(if $(filter arm64 aarch64,$(shell uname -m)),arm64,x86_64)
STACK ?= thyroid
REPOSITORY ?= $(STACK)
# What you answered at the last deployment, which is what the next one asks with. Not in the repository: it is yours.
ANSWERS := $(CURDIR)/deployment-$(STACK).toml
# Where that was, if there was one.
REGION ?= $(shell sed -n 's/^region *= *"\(.*\)"/\1/p' 'deployment-$(STACK).toml' 2>/dev/null | tail -n 1)
VENV_SAM := .venv-sam
VENV_LINT := .venv-lint
VENV_AUDIT := .venv-audit
VENV_AWS := .venv-aws
SAM := SAM_CLI_TELEMETRY=0 $(VENV_SAM)/bin/sam
UV_COMPILE := $(VENV)/bin/uv pip compile --quiet --no-emit-index-url --no-header --no-annotate
# Prints the file that MODEL stands for, fetched from the hub if need be: no image build needs the hub or its token.
MODEL_FILE := $(PY) -c 'import sys; sys.excepthook = lambda _, error, __: print(f"error: {error}", file=sys.stderr); \
	from thyroid_model.networks.sources import resolve; print(resolve(sys.argv[1]).path)'
# Asking for settings, the SAM CLI wants to hear of the one repository for each function.
FUNCTIONS := $(shell sed -n 's/^  \([A-Za-z][A-Za-z]*Function\):$$/\1/p' template.yaml)
# The commit, and whether more than that is built.
REVISION := $(shell git describe --always --dirty=.dirty --abbrev=12 --exclude '*' 2>/dev/null)

# Tools that pin what the project does not want, each in an environment of its own.
.venv-%/.ready: tests/tools/%.txt | .venv-uv/.ready
	@echo 'Setting up .venv-$*, once.'
	$(PYTHON) -m venv .venv-$*
	$(call install,.venv-$*,-r $<)
	@touch $@
.venv-bench-%/.ready: benchmarks/servers/%.txt | .venv-uv/.ready
	@echo 'Setting up .venv-bench-$*, once.'
	$(PYTHON) -m venv .venv-bench-$*
	$(call install,.venv-bench-$*,-r $<)
	@touch $@
.PRECIOUS: .venv-%/.ready .venv-bench-%/.ready

.PHONY: build
build: $(READY) $(VENV_SAM)/.ready ## The image of all functions, and the SAM build (MODEL=, BASE_IMAGE=, ARCHITECTURE=x86_64|arm64)
	@rm -rf build/weights && mkdir -p build/weights
	@$(STRICT) model=bundled; if [ "$(MODEL)" != bundled ]; then \
		file=$$($(MODEL_FILE) "$(MODEL)"); cp -f "$$file" build/weights/; model="build/weights/$$(basename "$$file")"; fi; \
	$(SAM) build --parameter-overrides "Model='$$model'" "Revision='$(REVISION)'" "Architecture='$(ARCHITECTURE)'" \
		$(if $(BASE_IMAGE),"BaseImage='$(BASE_IMAGE)'"); \
	$(PY) -m deploy.release; \
	echo "built for $(ARCHITECTURE) in $$SECONDS s"

.PHONY: sbom
sbom: build ## The image's bill of materials, build/sbom.cdx.json (CycloneDX)
	$(PY) -m deploy.sbom --out build/sbom.cdx.json $(if $(BASE_IMAGE),--base "$(BASE_IMAGE)")

.PHONY: e2e
e2e: build $(VENV_AWS)/.ready ## Deploy to a local AWS and call everything; needs a Docker engine (BASE_IMAGE=)
	BASE_IMAGE="$(BASE_IMAGE)" $(PY) -m pytest tests/e2e

.PHONY: deploy
deploy: build ## Deploy to your AWS account, asking for each setting (STACK=, REGION=, REPOSITORY= of the image, MODEL=)
	@$(STRICT) test -f "$(ANSWERS)" || cp samconfig.toml "$(ANSWERS)"; \
	repository=$$($(PY) -m deploy.repository "$(REPOSITORY)" --region "$(REGION)"); \
	region=$$(echo "$$repository" | cut -d. -f4); \
	$(PY) -m deploy.log_role "$(STACK)" --region "$$region"; \
	echo 'Keep the stack name and the region that you are asked for. Another stack is STACK=, another region REGION=.'; \
	$(SAM) deploy --guided --config-file "$(ANSWERS)" --stack-name "$(STACK)" --region "$$region" \
		$(FUNCTIONS:%=--image-repositories %="$$repository")

.PHONY: archive
archive: $(READY) ## Have a deployed stack analyse an archive: BUCKET=, PREFIX= or MANIFEST=s3://… (STACK=, REGION=)
	$(PY) -m deploy.archive "$(STACK)" --region "$(REGION)" $(if $(BUCKET),--bucket "$(BUCKET)") \
		$(if $(PREFIX),--prefix "$(PREFIX)") $(if $(MANIFEST),--manifest "$(MANIFEST)")

.PHONY: replay
replay: $(READY) ## Put the dead letters of a deployed stack back into its queue (STACK=, REGION=)
	$(PY) -m deploy.replay "$(STACK)" --region "$(REGION)"

define KEPT

What stays, on purpose, when the stack is gone:
  - its two buckets, with the images and their results; their names
      aws s3 ls | grep '$(STACK)'
      aws s3 rb --force s3://NAME   # older versions stay: empty it in the console, or let its lifecycle do that
  - its log groups, with the access log and the audit records, until their retention is over
      aws logs describe-log-groups --query "logGroups[?contains(logGroupName, '$(STACK)')].logGroupName"
      aws logs delete-log-group --log-group-name NAME
  - the image repository $(REPOSITORY), with the images of earlier deployments
      aws ecr delete-repository --force --repository-name $(REPOSITORY)
  - the role with which API Gateway writes logs: one for the whole account and region, other APIs may use it
  - the bucket in which the SAM CLI keeps templates, for other applications of yours, too

endef

.PHONY: destroy
destroy: $(VENV_SAM)/.ready ## Take the stack out of your AWS account, and say what stays (STACK=, REGION=)
	$(info $(KEPT))
	@$(STRICT) if [ -f "$(ANSWERS)" ]; then set -- --config-file "$(ANSWERS)"; fi; \
	$(SAM) delete --stack-name "$(STACK)" $(if $(REGION),--region "$(REGION)") "$$@"

.PHONY: check-template
check-template: $(READY) $(VENV_SAM)/.ready $(VENV_LINT)/.ready
	$(SAM) validate --lint
	$(SAM) validate --region us-east-1
	$(VENV)/bin/cfn-lint --non-zero-exit-code informational template.yaml
	$(VENV)/bin/cfn-lint --non-zero-exit-code informational --append-rules cfn_lint_serverless.rules -- template.yaml
	$(VENV_LINT)/bin/checkov --framework cloudformation --file template.yaml --compact --quiet --skip-download
	$(PY) -m pytest tests/stack
check: check-template

# What a service runs, without exceptions but those that say why beside the code; then what is run beside it, which starts
# other programs (B404, B603, B607): make, docker, git and Python, by name, with arguments that no request brings.
BANDIT := $(VENV_LINT)/bin/bandit --quiet --recursive
.PHONY: check-security
check-security: $(VENV_LINT)/.ready
	$(BANDIT) layers functions client
	$(BANDIT) --skip B404,B603,B607 benchmarks deploy docs events
check: check-security

# Not a part of `make check`: whether it passes depends on what the world found out since yesterday.
# One lock at a time: together pip-audit takes neither two versions of a package nor pins with hashes beside others.
LOCKS := requirements.txt functions/requirements.txt layers/model/requirements.txt $(wildcard tests/tools/*.txt)
.PHONY: audit
audit: $(VENV_AUDIT)/.ready ## Look for known vulnerabilities in everything that is pinned (asks PyPI; SERVICE=osv: osv.dev)
	@status=0; for lock in $(LOCKS); do echo "$$lock"; $(VENV_AUDIT)/bin/pip-audit --strict --disable-pip --no-deps \
		--vulnerability-service $(or $(SERVICE),pypi) --requirement "$$lock" || status=1; done; exit $$status

.PHONY: base-image
base-image: ## Pin the base image to what its tag means today, in template.yaml and functions/Dockerfile
	deploy/pin-base-image

.PHONY: licences
licences: $(READY) ## Write the table of licences anew, after make lock
	$(PY) -m deploy.licences

.PHONY: events
events: $(READY) ## Make the sample events anew
	$(PY) -m events.generate

.PHONY: openapi
openapi: $(READY) ## Write docs/openapi.json anew, after a change of the API
	$(PY) -m docs.make_openapi

.PHONY: settings
settings: $(READY) ## Write docs/settings.md anew, after a change of a setting or of its parameter
	$(PY) -m docs.make_settings

.PHONY: notebook
notebook: model ## Run docs/walkthrough.ipynb and keep what it says, after a change of the model or its figures
	$(PY) -m docs.make_notebook

# The image's two locks hold the hash of each file of each release, for both processors; functions/Dockerfile asks for them.
.PHONY: lock
lock: $(READY) ## Pin the versions that pyproject.toml leaves open (UPGRADE=--upgrade for newer ones)
	$(UV_COMPILE) $(UPGRADE) --universal --python-version 3.11 --all-extras pyproject.toml -o requirements.txt
	cp requirements.txt layers/model/requirements.txt  # what is there already is what is preferred
	$(UV_COMPILE) --generate-hashes --universal --python-version 3.13 --extra model pyproject.toml -o layers/model/requirements.txt
	$(UV_COMPILE) --generate-hashes --python-version 3.13 --python-platform x86_64-manylinux_2_34 -c requirements.txt pyproject.toml \
		-o functions/requirements.txt
	$(STRICT) for tool in sam aws lint audit mutants; do \
		$(UV_COMPILE) $(UPGRADE) --universal --python-version 3.11 tests/tools/$$tool.in -o tests/tools/$$tool.txt; done

# Everything a contributor does, from a machine that has Python 3.11+, git and make. `make` alone lists the targets.

PYTHON  ?= python3
# Empty: STOREFRONT_PORT where that is set, else 8000.
PORT    ?=
ARGS    ?=
# Processes that run tests. Empty: as many as there are processors, and of `make test`, where many wait, one more.
WORKERS ?=
PYTEST_ARGS ?=

VENV   := .venv
BIN    := $(VENV)/bin
# Two stamps in one environment: what the server needs, and with it what tests and linters need.
RUNNABLE := $(VENV)/.runnable
SYNCED := $(VENV)/.synced
NODE   := tests/node/node_modules/.installed
MEDUSA := tests/external/medusa/node_modules/.installed
PYTEST := $(BIN)/python -m pytest
DEBIAN := chromium postgresql redis-server
# Plugins of pytest that come with packages, and that no quick test uses.
UNUSED := anyio respx schemathesis
KINDS  := conformance clients scanners browser faults fuzz

# Another environment that happens to be active is not ours to fill.
unexport VIRTUAL_ENV
unexport CONDA_PREFIX
unexport PYTHONSAFEPATH
# Bytecode is kept, that of rewritten tests too, whatever the environment says: collecting them takes a third of the time.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/build/bytecode
# What is run without tests finds the bytecode of Python's own modules where Python has it, and compiles them not once more.
UNTESTED := env -u PYTHONPYCACHEPREFIX
# Node and npm come from a PyPI wheel and are found next to python.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run wheel test every-test test-fast lint types format bench goldens node medusa debian clean $(DEBIAN) $(KINDS)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z$$][^ ]*:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile
	@printf '  make %-12s %s\n' $(foreach kind,$(filter-out faults,$(KINDS)),$(kind) 'only the tests marked "$(kind)"')

run: export STOREFRONT_STARTED_BY := make run
run: $(RUNNABLE) ## serve the demo shop (PORT=8000, ARGS="--planned --open")
	@$(UNTESTED) $(BIN)/storefront-mcp demo $(addprefix --port ,$(PORT)) $(ARGS)

wheel: ## build the wheel into dist/
	@$(bootstrap) dist --wheel

test: $(SYNCED) node medusa debian ## lint, types, contracts and every test, with coverage; nothing may be left behind
	@$(BIN)/python -m tools.leftovers $(MAKE) --no-print-directory every-test

# Each part runs even if one before it failed, so that one run tells everything; pytest's summary comes last.
every-test: $(SYNCED)
	@failed=; \
	$(MAKE) --no-print-directory lint || failed="$$failed lint"; \
	$(MAKE) --no-print-directory types || failed="$$failed types"; \
	$(PYTEST) -n $(or $(WORKERS),$$(expr $$(nproc || getconf _NPROCESSORS_ONLN) + 1)) --dist loadfile --no-loadscope-reorder --cov --cov-report=term --durations=10 --durations-min=5 $(PYTEST_ARGS) || failed="$$failed pytest"; \
	if [ -n "$$failed" ]; then echo "make test failed:$$failed" >&2; exit 1; fi

test-fast: $(SYNCED) ## the inner loop: every test that is quick and needs nothing installed
	$(PYTEST) -n $(or $(WORKERS),auto) --dist loadfile --hypothesis-profile quick --most-processor-seconds 3 $(addprefix -p no:,$(UNUSED)) -m "not slow$(patsubst %, and not %,$(KINDS))" $(PYTEST_ARGS)

lint: $(SYNCED) ## style, format and who imports whom
	@failed=; \
	$(BIN)/ruff check . || failed=1; \
	$(BIN)/ruff format --check . || failed=1; \
	$(BIN)/lint-imports --no-logo || failed=1; \
	test -z "$$failed"

types: $(SYNCED) ## mypy, strict
	$(BIN)/mypy

format: $(SYNCED) ## repair what can be repaired
	$(BIN)/ruff check --fix --exit-zero .
	$(BIN)/ruff format .

bench: $(SYNCED) ## peers side by side (ARGS goes to the benchmarks)
	$(BIN)/python -m benchmarks $(ARGS)

goldens: $(SYNCED) ## write anew what is generated: cards/rendered and the tables of the docs
	$(PYTEST) tests/unit/cards tests/guards/docs tests/unit/doctor --update-goldens -q $(PYTEST_ARGS)

clients scanners: node
clients: redis-server
scanners browser: chromium

faults: $(SYNCED) postgresql redis-server ## 10,000 checkouts while everything fails (ARGS="--seed 1 --shop medusa"), and the tests so marked
	@failed=; \
	$(BIN)/python -m tests.chaos.faults $(ARGS) || failed=1; \
	$(PYTEST) -m faults $(PYTEST_ARGS) || failed=1; \
	test -z "$$failed"

# pytest answers 5 when nothing carries the mark.
$(filter-out faults,$(KINDS)): $(SYNCED)
	@$(PYTEST) -m $@ $(PYTEST_ARGS); code=$$?; \
	if [ $$code = 5 ]; then echo "no $@ tests yet"; else exit $$code; fi

node: $(NODE) ## the npm packages that tests run, as locked in tests/node

medusa: $(MEDUSA) ## the npm packages of a real Medusa that tests sell from, as locked in tests/external/medusa

debian: $(SYNCED) ## Debian's programs that tests run and this machine lacks, unpacked into build/debian: nothing is installed
	@$(BIN)/python -m tools.debian_programs

$(DEBIAN): $(SYNCED)
	@$(BIN)/python -m tools.debian_programs $@

clean: ## remove everything that make made, the environment included
	rm -rf $(VENV) tests/node/node_modules tests/external/medusa/node_modules build dist .coverage* \
		.mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find cards phases storefront_mcp tests tools benchmarks -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# What a developer added to the environment by hand stays, and `make run` takes nothing away from it.
$(RUNNABLE): uv.lock pyproject.toml
	@$(bootstrap) $(VENV)
	@touch $@

$(SYNCED): uv.lock pyproject.toml
	@$(bootstrap) $(VENV) --dev
	@touch $(RUNNABLE) $@

define bootstrap
command -v "$(PYTHON)" >/dev/null 2>&1 || { \
	echo "There is no '$(PYTHON)' here. Install Python 3.11 or newer, or name yours: make PYTHON=/path/to/python3" >&2; exit 1; }; \
$(UNTESTED) "$(PYTHON)" -m tools.bootstrap
endef

# The machine's own certificate authorities count too, and what the lock names by hash may come from npm's cache.
NPM_CI := env NODE_USE_SYSTEM_CA=1 npm ci --ignore-scripts --prefer-offline --no-audit --no-fund --no-update-notifier --loglevel=error

$(NODE): tests/node/package-lock.json tests/node/package.json tests/node/.npmrc | $(SYNCED)
	@cd tests/node && $(NPM_CI)
	@touch $@

# Seven hundred megabytes: where they are not to be had within a quarter of an hour, their tests are skipped.
$(MEDUSA): tests/external/medusa/package-lock.json tests/external/medusa/package.json tests/external/medusa/.npmrc | $(SYNCED)
	@echo "Installing a real Medusa …"
	@if (cd tests/external/medusa && timeout 900 $(NPM_CI)); then touch $@; \
	else echo "Medusa's npm packages are not to be had, so the tests that need them will be skipped." >&2; fi

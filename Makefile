# Everything a contributor does, from a machine that has Python 3.11+, git and make. `make` alone lists the targets.

PYTHON  ?= python3
PORT    ?= 8000
ARGS    ?=
WORKERS ?= auto
PYTEST_ARGS ?=

VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv
UV_VERSION := $(shell sed -n '/^name = "uv"$$/{n;s/version = "\(.*\)"/\1/p;}' uv.lock)
SYNCED := $(VENV)/.synced
NODE   := tests/node/node_modules/.installed
PYTEST := $(BIN)/python -m pytest
KINDS  := conformance clients scanners browser faults fuzz

# Another environment that happens to be active is not ours to fill.
unexport VIRTUAL_ENV
unexport CONDA_PREFIX
# Bytecode is kept, that of rewritten tests too, whatever the environment says: collecting them takes a third of the time.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/build/bytecode
# Node and npm come from a PyPI wheel and are found next to python.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test test-fast lint types format bench goldens node chromium postgresql redis proxies prometheus collector clean $(KINDS)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z$$][^ ]*:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile
	@printf '  make %-12s %s\n' $(foreach kind,$(filter-out faults,$(KINDS)),$(kind) 'only the tests marked "$(kind)"')

run: $(SYNCED) ## serve the demo shop (PORT=8000, ARGS=--planned)
	$(BIN)/storefront-mcp demo --port $(PORT) $(ARGS)

# Each part runs even if one before it failed, so that one run tells everything; pytest's summary comes last.
test: $(SYNCED) node chromium postgresql redis proxies prometheus collector ## lint, types, contracts and every test, with coverage
	@failed=; \
	$(MAKE) --no-print-directory lint || failed="$$failed lint"; \
	$(MAKE) --no-print-directory types || failed="$$failed types"; \
	$(PYTEST) -n $(WORKERS) --dist loadfile --cov --cov-report=term --durations=10 --durations-min=5 $(PYTEST_ARGS) || failed="$$failed pytest"; \
	if [ -n "$$failed" ]; then echo "make test failed:$$failed" >&2; exit 1; fi

test-fast: $(SYNCED) ## the inner loop: every test that is quick and needs nothing installed
	$(PYTEST) -n $(WORKERS) --dist loadfile --hypothesis-profile quick -m "not slow$(patsubst %, and not %,$(KINDS))" $(PYTEST_ARGS)

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
	$(PYTEST) tests/cards tests/docs tests/doctor --update-goldens -q $(PYTEST_ARGS)

clients scanners: node
clients: redis
scanners browser: chromium

faults: $(SYNCED) postgresql redis ## 10,000 checkouts while everything fails (ARGS="--seed 1"), and the tests so marked
	@failed=; \
	$(BIN)/python -m tests.faults $(ARGS) || failed=1; \
	$(PYTEST) -m faults $(PYTEST_ARGS) || failed=1; \
	test -z "$$failed"

# pytest answers 5 when nothing carries the mark.
$(filter-out faults,$(KINDS)): $(SYNCED)
	@$(PYTEST) -m $@ $(PYTEST_ARGS); code=$$?; \
	if [ $$code = 5 ]; then echo "no $@ tests yet"; else exit $$code; fi

node: $(NODE) ## the npm packages that tests run, as locked in tests/node

chromium: ## Debian's Chromium, when it is missing and we may install it
	@if command -v chromium >/dev/null 2>&1; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then \
		echo "no chromium here: the tests that need a browser will be skipped (sudo apt-get install chromium)"; exit 0; fi; \
	export DEBIAN_FRONTEND=noninteractive; \
	{ apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium; } </dev/null >build-chromium.log 2>&1 \
		&& rm -f build-chromium.log \
		|| echo "chromium could not be installed (build-chromium.log): the tests that need a browser will be skipped"

postgresql: ## Debian's PostgreSQL, likewise; tests start their own, and no other is touched
	@if command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then \
		echo "no PostgreSQL here: the tests that need it will be skipped (sudo apt-get install postgresql)"; exit 0; fi; \
	export DEBIAN_FRONTEND=noninteractive; \
	{ mkdir -p /etc/postgresql-common && \
		{ [ -e /etc/postgresql-common/createcluster.conf ] || \
			echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf; } && \
		apt-get update -qq && apt-get install -qq -y --no-install-recommends postgresql; } </dev/null >build-postgresql.log 2>&1 \
		&& rm -f build-postgresql.log \
		|| echo "PostgreSQL could not be installed (build-postgresql.log): the tests that need it will be skipped"

redis: ## Debian's Redis, likewise; its service is neither started nor left enabled
	@if command -v valkey-server >/dev/null 2>&1 || command -v redis-server >/dev/null 2>&1; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then \
		echo "no Valkey or Redis here: the tests that need one will be skipped (sudo apt-get install redis-server)"; exit 0; fi; \
	export DEBIAN_FRONTEND=noninteractive; \
	policy=/usr/sbin/policy-rc.d; \
	if [ ! -e $$policy ]; then \
		trap "rm -f $$policy" EXIT INT TERM; printf '#!/bin/sh\nexit 101\n' >$$policy && chmod 755 $$policy; fi; \
	{ apt-get update -qq && apt-get install -qq -y --no-install-recommends redis-server && \
		update-rc.d redis-server disable; } </dev/null >build-redis.log 2>&1 \
		&& rm -f build-redis.log \
		|| echo "Redis could not be installed (build-redis.log): the tests that need one will be skipped"

# Not installed, so no service of theirs ever starts: tests run the programs as they are unpacked.
proxies: ## Debian's nginx and Caddy, unpacked into build/debian; tests start their own, and no other is touched
	@missing=; for each in nginx caddy; do \
		PATH="$$PATH:/usr/sbin:$(CURDIR)/build/debian/usr/sbin:$(CURDIR)/build/debian/usr/bin" command -v $$each >/dev/null 2>&1 \
			|| missing="$$missing $$each"; \
	done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg-deb >/dev/null 2>&1; then \
		echo "no$$missing here: the tests that need it will be skipped"; exit 0; fi; \
	mkdir -p build/debian; \
	( if [ "$$(id -u)" = 0 ]; then apt-get update -qq; fi; cd build/debian && apt-get download -qq $$missing && \
		for each in *.deb; do dpkg-deb -x "$$each" . && rm -f "$$each" || exit 1; done ) </dev/null >build-proxies.log 2>&1 \
		&& rm -f build-proxies.log \
		|| echo "$$missing could not be unpacked (build-proxies.log): the tests that need it will be skipped"

prometheus: ## Debian's Prometheus, likewise
	@if command -v prometheus >/dev/null 2>&1; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then \
		echo "no Prometheus here: the test that needs it will be skipped (sudo apt-get install prometheus)"; exit 0; fi; \
	export DEBIAN_FRONTEND=noninteractive; \
	{ apt-get update -qq && apt-get install -qq -y --no-install-recommends prometheus; } </dev/null >build-prometheus.log 2>&1 \
		&& rm -f build-prometheus.log \
		|| echo "Prometheus could not be installed (build-prometheus.log): the test that needs it will be skipped"

# The collector itself comes with the environment; Debian's Python does without the library that it is linked with.
collector: $(SYNCED) ## the shared library of this Python, which the tests' OpenTelemetry collector needs, likewise
	@if $(BIN)/python -c 'import ctypes, os, sysconfig; name = sysconfig.get_config_var("INSTSONAME") or "none"; \
		os.path.exists(os.path.join(sysconfig.get_config_var("LIBDIR"), name)) or ctypes.CDLL(name)' 2>/dev/null; then exit 0; fi; \
	library=libpython$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then \
		echo "no $$library here: the test that needs it will be skipped (sudo apt-get install $$library)"; exit 0; fi; \
	export DEBIAN_FRONTEND=noninteractive; \
	{ apt-get update -qq && apt-get install -qq -y --no-install-recommends $$library; } </dev/null >build-collector.log 2>&1 \
		&& rm -f build-collector.log \
		|| echo "$$library could not be installed (build-collector.log): the test that needs it will be skipped"

clean: ## remove everything that make made, the environment included
	rm -rf $(VENV) $(VENV).log tests/node/node_modules build dist build-*.log build-prometheus.log .coverage* \
		.mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find cards phases storefront_mcp tests tools benchmarks -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# What a developer added to the environment by hand stays (--inexact).
$(SYNCED): uv.lock pyproject.toml tools/bootstrap.sh
	@sh tools/bootstrap.sh $(PYTHON) $(VENV) $(UV_VERSION)
	@$(UV) sync --frozen --inexact --quiet
	@touch $@

# The machine's own certificate authorities count too, and what the lock names by hash may come from npm's cache.
$(NODE): tests/node/package-lock.json tests/node/package.json tests/node/.npmrc | $(SYNCED)
	@cd tests/node && NODE_USE_SYSTEM_CA=1 npm ci --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error
	@touch $@

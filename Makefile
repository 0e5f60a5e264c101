# Mattebox. `make run` and `make test` are all you need; both do their own set-up.
#
#   make run ARGS="--source v4l2:///dev/video0 --background office.jpg"
#   make test ARGS="tests/config/test_load.py -k roi"
#
# Variables: ARGS   passed on to the target's program
#            PYTHON the system's Python, 3.10 to 3.14 (default /usr/bin/python3)
#            APT=no never call apt
#            JOBS   how many tests run in parallel when all are run (default 3: on two cores they
#                   wait for pictures, sounds and deadlines for half of the time)

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# := rather than ?=: GStreamer's bindings belong to the system's Python, whatever `python` is in
# PATH or the environment. `make PYTHON=…` still wins.
PYTHON := /usr/bin/python3
APT := auto
ARGS :=
JOBS := 3
DESTDIR :=
SECONDS := 60
PURGE := no
WHEELS := no
export PYTHON APT

BIN := .venv/bin

.PHONY: help
help: ## this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: run
run: setup ## set up what is missing, then serve (ARGS="--source …" for mattebox run)
	@exec $(BIN)/mattebox run $(ARGS)

.PHONY: test
test: setup-test ## set up what is missing, then run the tests
	@exec $(BIN)/python -m pytest $(if $(ARGS),,-n $(JOBS) --dist worksteal) $(ARGS)

.PHONY: fuzz
fuzz: setup-test ## made-up input for loaders and servers, SECONDS=60 each (tests/fuzz)
	@for target in $$($(BIN)/python -c 'from tests import fuzz; print(*fuzz.TARGETS)'); do \
		$(BIN)/python -m tests.fuzz.$$target --seconds $(SECONDS) $(ARGS) || failed=1; \
	done; exit $${failed:-0}

.PHONY: test-gpu
test-gpu: ## on a machine with an NVIDIA GPU: the kernels' tests, sanitizers and times
	@exec tests/gpu/run

.PHONY: soak
soak: setup-test ## the long tests, then an hour's frames with every fault at random (ARGS="--frames 20000")
	@$(BIN)/python -m pytest -m soak
	@exec $(BIN)/python -m tests.soak $(ARGS)

.PHONY: bench
bench: setup ## measure this machine (ARGS="--json")
	@exec $(BIN)/mattebox bench $(ARGS)

.PHONY: engines
engines: setup-test ## build the network's TensorRT engine (ARGS="--for sm86"; docs/engines.md)
	@exec $(BIN)/mattebox engine build $(ARGS)

.PHONY: check
check: lint test ## all that must be clean before a commit: lint and tests

.PHONY: lint
lint: setup-test ## ruff, mypy, import-linter, shellcheck
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	shellcheck -x scripts/*.sh .ci/run tests/gpu/run systemd/*.sh systemd/bin/* systemd/libexec/* systemd/deb/p*

.PHONY: fmt
fmt: setup-test ## format the code and mend what ruff can mend
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

.PHONY: setup
setup: ## only the set-up for run: system packages, .venv, compiled kernels
	@scripts/setup.sh run
	@$(BIN)/python -m appliance.tools.kernels

.PHONY: setup-test
setup-test:
	@scripts/setup.sh test
	@$(BIN)/python -m appliance.tools.kernels

.PHONY: export-setup
export-setup: ## an environment for export/ (training, ONNX) in .venv-export
	@scripts/setup.sh export

.PHONY: install
install: ## the service, into /opt/mattebox, as root (DESTDIR=folder: only staged there)
	@DESTDIR="$(DESTDIR)" systemd/install.sh install

.PHONY: uninstall
uninstall: ## undo install; keeps configuration and state (PURGE=yes: those too)
	@DESTDIR="$(DESTDIR)" PURGE="$(PURGE)" systemd/install.sh uninstall

.PHONY: deb
deb: ## the same as a package in dist/ (WHEELS=yes: with its Python packages)
	@WHEELS="$(WHEELS)" systemd/deb.sh

.PHONY: clean
clean: ## remove the environment and every cache (not .venv-export)
	rm -rf .venv .setup.lock .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info
	find appliance export tests -name __pycache__ -prune -exec rm -rf {} +

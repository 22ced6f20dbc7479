# Backroom on one machine. `make` alone lists the targets; docs/operating-local.md tells more.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run test test-bridge check format bench chaos screens lock clean venv venv-dev

PIP_TOOLS := pip-tools==7.6.2
# Not named PIP_COMPILE: pip would take that for its own setting.
LOCK_WITH ?= .venv/bin/pip-compile
COMPILE := $(LOCK_WITH) --quiet --generate-hashes --strip-extras --allow-unsafe --no-config \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links
LOCAL := .venv/bin/python -m config.local
ARGS ?=
ONLY ?=
RUNS ?=
MINUTES ?=
export ONLY RUNS MINUTES

help: ## List the targets
	@grep -hE '^[a-z-]+:.* ## ' $(firstword $(MAKEFILE_LIST)) | sed 's/:.* ## /\t/' | expand -t 12

run: venv ## Start everything on this machine; Ctrl-C stops it (PORT=8000 EDGE_PORT=8001 SIMULATOR_PORT=8010)
	@exec $(LOCAL) run

test: venv-dev ## Run all tests beside servers of their own (some of them: ARGS="tests/faqs -k csv")
	@$(LOCAL) models --or-skip && $(if $(ARGS),,$(LOCAL) test-bridge --or-skip &&) exec $(LOCAL) exec -- .venv/bin/python -m pytest $(ARGS)

test-bridge: venv-dev ## Check and run the bridge's own tests, under Node
	@exec $(LOCAL) test-bridge

check: venv-dev ## Layout, lint, types, imports, migrations, settings
	@exec $(LOCAL) check

format: venv-dev ## Lay out the code and mend what lint can mend
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .

bench: venv-dev ## Print the measurements as JSON (ONLY=name for one of them)
	@BACKROOM_TEST_FSYNC=on; export BACKROOM_TEST_FSYNC; $(LOCAL) bridge-packages && $(LOCAL) models --or-skip && \
		exec $(LOCAL) exec -- .venv/bin/python -m tests.bench

chaos: venv-dev ## Kill every part in the middle of traffic, print JSON (ONLY=redis RUNS=5)
	@$(LOCAL) bridge-packages && $(LOCAL) models --or-skip && \
		exec $(LOCAL) exec -- .venv/bin/python -m tests.chaos

screens: venv-dev ## Take a picture of every page into docs/screens (ONLY=home,thread for some)
	@exec $(LOCAL) exec -- .venv/bin/python -m tests.screens

# Same pins in the first two files: the second is chosen under the first as a constraint.
lock: ## Pin all packages with hashes (ARGS=--upgrade for newer ones)
	@[ -x "$$(command -v $(LOCK_WITH))" ] || { $(MAKE) --no-print-directory venv-dev && \
		.venv/bin/python -m pip install --quiet $(PIP_TOOLS); }
	@CUSTOM_COMPILE_COMMAND="make lock" $(COMPILE) --output-file requirements.txt $(ARGS) requirements.in
	@CUSTOM_COMPILE_COMMAND="make lock" $(COMPILE) --constraint requirements.txt \
		--output-file requirements-dev.txt $(ARGS) requirements-dev.in
	@CUSTOM_COMPILE_COMMAND="make lock" $(COMPILE) --output-file requirements-node.txt $(ARGS) requirements-node.in

clean: ## Remove the virtualenv, the bridge's packages, the caches and this folder's data, the demo's too
	@if [ -x .venv/bin/python ] && [ -d var ]; then $(LOCAL) clean; else rm -rf var; fi
	@rm -rf .venv staticfiles connections/bridge/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

venv:
	@$(call install,requirements.txt)

venv-dev:
	@$(call install,requirements-dev.txt)

# Skipped when `.venv` was made in this folder from these very requirements.
define install
if [ -x .venv/bin/python ] && cmp -s $(1) .venv/installed/$(1) && \
	[ "$$(cat .venv/installed/folder 2>/dev/null)" = "$$(pwd -P)" ]; then exit 0; fi; \
for python in $(PYTHON) python3.11 python3 python3.12 python3.13; do \
	if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
		exec $$python config/local/virtualenv.py $(1); \
	fi; \
done; \
echo "Cannot go on: Backroom needs Python 3.11, and none was found." >&2; \
echo "What to do: install it (Debian, Ubuntu: sudo apt install python3.11 python3.11-venv)," >&2; \
echo "or name it: make PYTHON=/path/to/python3.11 run" >&2; \
exit 1
endef

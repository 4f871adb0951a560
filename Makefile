# Two commands matter: `make run` and `make test`. Both need Python 3.11 or newer and nothing else.

PYTHON ?= python3
LOCAL = $(PYTHON) -m deploy.local
BIN = .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run test check format lock messages schema bench clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Start the whole product here, play the demo, stay up until Ctrl-C
	@$(LOCAL) run

test: ## Run everything that must pass: lint, types, security, all tests
	@$(LOCAL) test

check: ## Run lint, types and the fast tests (under two minutes)
	@$(LOCAL) check

format: prepare ## Format Python, and fix what the linter can fix
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format .

messages: prepare ## Collect the texts to translate into locale/
	@$(LOCAL) messages

schema: prepare ## Write the OpenAPI document that the tests compare with
	@$(LOCAL) schema

bench: ## Measure gateway, authorizer and intake on this machine
	@$(LOCAL) bench

lock: prepare ## Compile requirements/*.in to locks with hashes
	@cd requirements && for name in base local production test; do \
		UV_CUSTOM_COMPILE_COMMAND="make lock" ../$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
			--no-emit-index-url --no-annotate --output-file $$name.txt $$name.in || exit 1; \
	done

clean: ## Remove the state folder and all caches
	@$(LOCAL) clean

.PHONY: prepare
prepare:
	@$(LOCAL) prepare

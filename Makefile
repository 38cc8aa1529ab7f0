# Everything a person types. `make` alone prints the list.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
JOBS ?= 2
PORT ?= 8000
TENANTS ?= 200
RUNS ?= 20
TEST_POSTGRES_URL ?= postgres://postgres@127.0.0.1:5432/postgres
export TEST_POSTGRES_URL

# A place of its own: neither .env nor the shell of somebody who runs a real installation leads the demo there.
DEMO_DIR := $(or $(DEMO_DIR),$(CURDIR)/var/demo)
DEMO := ENV_FILE=/dev/null SECRET_KEY= CREDENTIAL_KEYS= DATA_DIR="$(DEMO_DIR)" DATABASE_URL="sqlite:///$(DEMO_DIR)/demo.sqlite3" CACHE_URL="filecache://$(DEMO_DIR)/cache" \
  Q_BROKER_URL= EMAIL_URL= SITE_URL=http://127.0.0.1:8000 ALLOWED_HOSTS=127.0.0.1,localhost SECURE_SSL_REDIRECT=false BEHIND_PROXY=false

# A made-up production, so that what the settings lack for one is a failure here.
SCRATCH := DATA_DIR="$(CURDIR)/.venv/check"
PRODUCTION = $(SCRATCH) SITE_URL=https://presence.example.org ALLOWED_HOSTS=presence.example.org \
  SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(60))')" \
  CREDENTIAL_KEYS="$$($(BIN)/python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())')" \
  DATABASE_URL=postgres://127.0.0.1/presence_sync EMAIL_URL=smtp+tls://mail.example.org:587

.PHONY: help demo demo-shell run test check format soak screenshots clean
.DEFAULT_GOAL := help

help:  ## print this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

demo: .venv/installed  ## a running admin with two synced tenants, on SQLite, against the bundled sandbox
	@$(DEMO) $(BIN)/python manage.py demo

demo-shell: .venv/installed  ## a shell in which `python manage.py …` works on the demo's data
	@$(DEMO) PATH="$(CURDIR)/$(BIN):$$PATH" $${SHELL:-sh}

run: .venv/installed  ## your own installation: web and worker, as set in .env (PORT=8000)
	@$(BIN)/python manage.py serve --port $(PORT)

test: check  ## everything CI runs: check, all tests on SQLite, those that touch the database again on PostgreSQL
	$(BIN)/python -m pytest -n $(JOBS) -m "not postgres"
	DATABASE_URL="$(TEST_POSTGRES_URL)" $(BIN)/python -m pytest -n $(JOBS) -m "(database or postgres) and not browser"

check: .venv/tools  ## style, types, import contracts, migrations, production settings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(SCRATCH) $(BIN)/mypy
	$(BIN)/lint-imports
	$(SCRATCH) $(BIN)/python manage.py makemigrations --check --dry-run
	$(SCRATCH) $(BIN)/python manage.py check
	@$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING

soak: .venv/tools  ## many tenants and runs, real workers, faults and kill -9 at random; all invariants verified (TENANTS=200 RUNS=20)
	$(BIN)/python -m tests.soak --tenants $(TENANTS) --runs $(RUNS)

format: .venv/tools  ## mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

screenshots: .venv/tools  ## take the README's pictures anew, into docs/ (Chromium and a demo of its own, two minutes)
	@$(BIN)/python -m tests.browser.pictures

clean:  ## remove the virtual environment and the demo's data
	rm -rf .venv "$(DEMO_DIR)"

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: apt-get install python3, or make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) lacks its venv module: apt-get install python3-venv"; exit 1; }
	@echo "Making .venv with $$($(PYTHON) --version) …"
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/installed: requirements.txt | .venv/bin/python
	@echo "Installing what requirements.txt names …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/tools: requirements.txt tests/requirements.txt | .venv/bin/python
	@echo "Installing what tests/requirements.txt names …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	@touch .venv/installed $@

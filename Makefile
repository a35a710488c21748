# All commands for developers and operators. `make` without a target lists them.
# A value on the command line or in the environment overrides .env: `make run PORT=9000 REGISTRATION=invite`.

SHELL       := /bin/sh
PYTHON      ?= python3
VENV        := .venv
BIN         := $(VENV)/bin
STATIC_ROOT ?= staticfiles
RUNTIME     := $(VENV)/.stamp-runtime
DEV         := $(VENV)/.stamp-dev
# A space in a path would split it into several targets.
SPACE       := $(subst ,, )
STATIC      := $(subst $(SPACE),\$(SPACE),$(STATIC_ROOT))/staticfiles.json
SOURCES     := dm_project accounts conversations tests tools manage.py $(wildcard benchmarks)
PIP         := $(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes
MANAGE      := $(BIN)/python manage.py

# Shells, Conda and other projects export these for another Python: they would load other settings and modules, and install packages
# elsewhere. Recipes below that need settings set them.
unexport DJANGO_SETTINGS_MODULE PYTHONPATH PYTHONHOME PIP_USER PIP_TARGET PIP_PREFIX PIP_REQUIRE_VIRTUALENV

# A Python that was removed, moved or upgraded leaves a broken environment whose stamps say that it is complete: create it again.
ifneq ($(filter-out help clean,$(MAKECMDGOALS)),)
ifneq ($(wildcard $(VENV)/pyvenv.cfg $(VENV)/.stamp-*),)
ifneq ($(shell unset PYTHONHOME PYTHONPATH; $(BIN)/python -c 'import pip; print("runs")' 2>/dev/null),runs)
$(info The Python of $(VENV) no longer runs, so the environment is created again)
$(shell rm -rf $(VENV))
endif
endif
endif

.DEFAULT_GOAL := help
.PHONY: help run demo test test-python test-fast test-js test-postgres test-journeys cover format lint types layers templates \
        migrations-check deploy-check gates check messages audit lock bench bench-page faults palette screenshots icons clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- Setup: each step leaves a stamp, so that a second start takes seconds ---

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Entre needs Python 3.11 or newer; '$(PYTHON)' is not. Choose another: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@echo "Creating a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 \
	|| { rm -rf $(VENV); $(PYTHON) -m venv --without-pip $(VENV) 2>/dev/null && $(PYTHON) -m pip --python $(BIN)/python install --quiet pip 2>/dev/null; } \
	|| { rm -rf $(VENV); echo "Python cannot create a virtual environment here. On Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }

$(RUNTIME): requirements.txt requirements-static.txt | $(BIN)/python
	@echo "Installing the service's dependencies (half a minute the first time)"
	@$(PIP) -r requirements.txt
	@$(PIP) --only-binary :all: -r requirements-static.txt 2>/dev/null || echo "No minifier for this system: static files are somewhat larger"
	@touch $@

$(DEV): requirements-dev.txt | $(BIN)/python
	@echo "Installing the dependencies of tests and checks (a minute the first time)"
	@$(PIP) -r requirements-dev.txt
	@touch $@ $(RUNTIME)

.PHONY: ready
ready: $(RUNTIME)
	@$(BIN)/python -m dm_project.env
	@$(BIN)/python -m dm_project.server.preflight $(PREFLIGHT)
	@$(MANAGE) migrate --noinput --verbosity 0
	@root=$$($(BIN)/python -m dm_project.env STATIC_ROOT); $(MAKE) --silent statics STATIC_ROOT="$${root:-staticfiles}"

.PHONY: statics
statics: $(STATIC)

$(STATIC): $(shell find static -print) dm_project/staticfiles/storage.py $(RUNTIME)
	@echo "Collecting static files"
	@$(MANAGE) collectstatic --noinput --verbosity 0 >/dev/null

# --- The service ---

# Of `ready` for these two: a second start ends before it migrates the database of a running server.
run demo: PREFLIGHT := --free-port

run: ready ## set up what is missing and start the service on http://127.0.0.1:8000 (PORT=... for another port)
	@exec $(BIN)/python -m dm_project.server

demo: ready ## the same with four users and some chats to try out
	@$(MANAGE) demo
	@exec $(BIN)/python -m dm_project.server

# --- Tests ---

test: $(DEV) ## the whole test suite: Python, PostgreSQL, Redis, Daphne, browsers, JavaScript; also on a fresh clone
	@$(BIN)/python -m tests.rig.programs
	@$(BIN)/python -m tests.rig.together $(MAKE) test-python test-postgres test-js

# The tests of a file stay together, and directories in order: they share started servers and browsers. Four processes for two cores,
# because a part of the time is waiting.
test-python: $(DEV) ## all Python tests: SQLite, Redis, Daphne, browsers (PROCESSES=4)
	@$(BIN)/python -m pytest --numprocesses $(or $(PROCESSES),4) --dist loadfile --no-loadscope-reorder

test-fast: $(DEV) ## only tests without browsers and started servers
	@$(BIN)/python -m pytest --ignore=tests/journeys --ignore=tests/live --ignore=tests/faults

test-js: $(DEV) ## the JavaScript modules, with Node's own runner
	@$(BIN)/python -m tests.rig.node --test tests/js/*.test.js

test-postgres: $(DEV) ## tests for both databases, on a real PostgreSQL
	@$(BIN)/python -m tests.rig.postgres $(BIN)/python -m pytest -m both_databases --create-db --reuse-db

test-journeys: $(DEV) ## two real browsers against a real Daphne
	@$(BIN)/python -m pytest tests/journeys

cover: $(DEV) ## test coverage
	@$(BIN)/python -m coverage run -m pytest --ignore=tests/journeys --ignore=tests/live --ignore=tests/faults --quiet
	@$(BIN)/python -m coverage report

# --- Gates, the cheapest first ---

format: $(DEV) ## format the code
	@$(BIN)/ruff format $(SOURCES)
	@$(BIN)/ruff check --fix --quiet $(SOURCES)

lint: $(DEV) ## format, bugs, security, complexity
	@$(BIN)/ruff format --check --quiet $(SOURCES) || { echo "Not formatted: run 'make format'."; exit 1; }
	@$(BIN)/ruff check $(SOURCES)

types: $(DEV) ## mypy, strict
	@$(BIN)/mypy

layers: $(DEV) ## import contracts
	@$(BIN)/lint-imports

templates: $(DEV) ## lint the HTML templates
	@$(BIN)/djlint --quiet --lint templates

migrations-check: $(DEV) ## every model change has its migration
	@DJANGO_SETTINGS_MODULE=tests.settings $(MANAGE) makemigrations --check --dry-run

deploy-check: $(DEV) ## Django's deployment checks
	@$(BIN)/python -m tests.rig.deployed $(MANAGE) check --deploy --fail-level WARNING

gates: lint types layers templates migrations-check deploy-check ## everything of `make check` except the tests

check: gates test ## everything: the gate for every change, locally and in CI

# --- Occasional ---

messages: $(DEV) ## collect texts for translators and compile translations (needs gettext)
	@$(MANAGE) makemessages --verbosity 0
	@$(MANAGE) compilemessages --verbosity 0 --ignore $(VENV)

audit: $(DEV) ## known vulnerabilities of the pins (asks a public service), and static security rules
	@$(BIN)/ruff check --select S --ignore S105,S106,S107 dm_project accounts conversations
	@$(BIN)/uv tool run --quiet pip-audit --requirement requirements.txt --require-hashes --disable-pip

lock: $(DEV) ## write the pins again from the lists in pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
	  pyproject.toml --output-file requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
	  --group static --constraint requirements.txt --output-file requirements-static.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
	  --group s3 --constraint requirements.txt --output-file requirements-s3.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
	  pyproject.toml --group dev --constraint requirements.txt --constraint requirements-static.txt --constraint requirements-s3.txt --output-file requirements-dev.txt

bench: $(DEV) ## CPU per delivered message, compared with the plain Channels chat (PAIRS=5 rounds, SECONDS=8 each, RATE=200 per second)
	@$(BIN)/python -m benchmarks --rounds $(or $(PAIRS),5) --seconds $(or $(SECONDS),8) --rate $(or $(RATE),0)

palette: $(DEV) ## write the colours into static/css/tokens.css, if every pair has enough contrast
	@$(BIN)/python -m tools.palette

faults: $(DEV) ## fail every component while users write, and count what is lost (MINUTES=30 SEED=7 RIG=S|P|both ROWS=F1,F4 MESSAGES=200000 PACE=1)
	@$(BIN)/python -m tools.faults --rig $(or $(RIG),both) --minutes $(or $(MINUTES),10) --messages $(or $(MESSAGES),0) \
	  --rows $(or $(ROWS),all) --pace $(or $(PACE),0.1) $(if $(SEED),--seed $(SEED)) $(if $(REPORT),--report $(REPORT))

bench-page: $(DEV) ## cost of pages, compared with the interface's budget (RUNS=5 each; needs Chromium and a quiet machine; 15 minutes)
	@$(BIN)/python -m benchmarks.page --runs $(or $(RUNS),5)

screenshots: $(DEV) ## take the pictures of docs/screenshots again (needs Chromium)
	@$(BIN)/python -m tools.screenshots

icons: $(DEV) ## draw the app's icons again from static/img/mark.svg (needs Chromium)
	@$(BIN)/python -m tools.icons

clean: ## remove everything generated (your .env and data stay)
	@rm -rf $(VENV) staticfiles test-output htmlcov .coverage .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find $(SOURCES) -name __pycache__ -prune -exec rm -rf {} +

# Two commands on a fresh machine: make demo, make test. Python 3.11 or later and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Compiled once, when it is loaded first: pip would compile all that it installs. With this set, each
# of the tests' processes would compile what it loads.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test pytest coverage lint format lock wheel benchmark chaos soak clean

demo: $(VENV)/runtime
	$(BIN)/balcao demo

# make test LONG=1: with the tests that kill processes and browse for a whole day, as CI does
# (tests/long_tests.py).
PYTEST = $(if $(LONG),TEST_LONG=1 )$(BIN)/pytest -n 4 --dist loadfile --no-loadscope-reorder

# make test MONGODB=<uri>: what depends on the database, on this server instead of the embedded one.
# Only from the command line: a variable of the environment may name a server with real data.
ifeq ($(origin MONGODB),command line)
test: $(VENV)/dev
	TEST_MONGODB_URI='$(MONGODB)' $(PYTEST) tests/storage tests/jobs tests/flows
else
# The linters take one core for half a minute, so the tests run beside them.
test: $(VENV)/dev
	$(MAKE) -j2 lint pytest
endif

pytest: $(VENV)/dev
	$(PYTEST)

# All of them with each line counted, which takes a quarter more; fails below the floor.
coverage: LONG := 1
coverage: $(VENV)/dev
	$(PYTEST) --cov --cov-report=term

lint: $(VENV)/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Against docs/figures.md. KEEP=1 writes that page; SERVER=<uri> is another MongoDB.
benchmark: $(VENV)/dev
	$(BIN)/python -m benchmarks $(if $(KEEP),--keep) $(if $(SERVER),--server '$(SERVER)')

# make chaos SEED=7, SEED=1..20 or SEEDS="1 2 3": Telegram, MongoDB and the ERP answer otherwise for so many minutes each,
# and processes are killed. Prints what was done and what was found; exit code 1 after a finding.
SEED ?= 1
SEEDS ?= $(SEED)
MINUTES ?= 1
chaos: $(VENV)/dev
	$(BIN)/python -m tests.chaos '$(SEEDS)' --minutes $(MINUTES)

# make soak SERVER=<uri>: four replicas and two workers at Telegram's limits for ten minutes, beside an import, while
# replicas are killed. Without SERVER on the embedded database. Exit code 1 if anything was lost, repeated or out of order.
soak: $(VENV)/dev
	$(BIN)/python -m tests.chaos.soak --minutes $(if $(filter command line,$(origin MINUTES)),$(MINUTES),10) $(if $(SERVER),--server '$(SERVER)')

COMPILE := $(BIN)/uv pip compile -q --universal --no-strip-extras --generate-hashes --no-emit-find-links --no-emit-index-url --custom-compile-command "make lock" \
  --python-version 3.11 $(UPGRADE)

# What a server runs with, what the embedded database adds to that, what the tests need, and what installs the project.
lock: $(VENV)/dev
	$(COMPILE) --extra tracing pyproject.toml -o requirements.lock
	$(COMPILE) --extra embedded --extra tracing -c requirements.lock $$(sed -n 's/^\([a-z0-9._-]*\)==.*/--no-emit-package \1/p' requirements.lock) \
	  pyproject.toml -o requirements-embedded.lock
	$(COMPILE) --extra embedded --extra tracing --extra dev -c requirements.lock -c requirements-embedded.lock pyproject.toml -o requirements-dev.lock
	$(COMPILE) -c requirements-dev.lock --group pyproject.toml:build -o requirements-build.lock

# For a server, with requirements.lock: docs/deploy.md.
wheel: $(VENV)/runtime
	$(BIN)/python -m pip wheel -q --disable-pip-version-check --no-deps --no-build-isolation -w dist .

clean:
	rm -rf $(VENV) build dist .coverage .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(VENV)/runtime: requirements.lock requirements-embedded.lock requirements-build.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Balcão needs Python 3.11 or later; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 demo") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-compile --require-hashes -r requirements.lock -r requirements-embedded.lock -r requirements-build.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-compile --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/dev: requirements-dev.lock $(VENV)/runtime
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-compile --require-hashes -r requirements-dev.lock
	touch $@

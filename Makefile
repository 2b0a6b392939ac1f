# `make demo` and `make test` need Python 3.11 or newer and a package index, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV := $(VENV)/.installed-dev
.DEFAULT_GOAL := help

.PHONY: help install demo test check format faults mutants bench generated sources dashboards schemas \
  hooks lock licences audit clean sdk-packages sdks

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $(STAMP)

# What tests need is nothing to run on: it comes on top, and neither `make install` nor the image has it.
$(DEV): $(STAMP) requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $(DEV)

install: $(STAMP) ## .venv/bin/footfall

demo: $(STAMP) ## a make-believe shop, end to end, in about a minute
	$(BIN)/footfall demo

test: $(DEV) check sdk-packages ## everything that must hold, in some minutes
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

check: $(DEV) ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(DEV) ## lay out every file, and mend what lint can mend by itself
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

hooks: $(DEV) ## run `make check` before every commit (.pre-commit-config.yaml; needs pre-commit)
	pre-commit install

faults: $(DEV) ## hundreds of kills, on the embedded log and on Kafka (Java and Maven); 3,000 SQL escapes
	$(BIN)/python -m tests.faults
	FAULTS_LONG=1 $(BIN)/pytest -n 2 tests/hostile/test_stops.py tests/hostile/test_endings.py
	SQL_ATTACKS=3000 SQL_QUESTIONS=3000 $(BIN)/pytest -s tests/hostile/test_sql_face.py
	$(BIN)/python -m tests.faults.damage
	$(BIN)/python -m tests.faults.warehouse_damage

mutants: $(DEV) ## seeded breakages: each must turn the fault suite red
	$(BIN)/python -m tests.faults.mutants

bench: $(STAMP) ## events per second against the floor and a plain Faust agent
	$(BIN)/footfall bench

generated: sources dashboards schemas ## write anew whatever is made from code and kept in the repository

sources: $(STAMP) ## write docs/sources anew from the code of every source
	$(BIN)/python -m collectors.sources

dashboards: $(STAMP) ## write dashboards/json anew from dashboards/boards.py
	$(BIN)/python -m dashboards

schemas: $(STAMP) ## write schemas/json anew from the nouns in schemas/
	$(BIN)/python -m schemas.export

COMPILE := uv pip compile pyproject.toml --universal --python-version 3.11 \
  --generate-hashes --no-emit-index-url --no-header --quiet
lock: ## write both locks anew from pyproject.toml (needs uv): to run, and to develop
	$(COMPILE) --output-file requirements.lock
	$(COMPILE) --extra dev --constraint requirements.lock --output-file requirements-dev.lock

licences: $(DEV) ## write docs/licences.md anew from what requirements.lock pins
	$(BIN)/python -m tests.licences

AUDIT := build/audit
$(AUDIT)/.installed:
	$(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	touch $@

# pip-audit ends with 0 also where its database knew none of the packages or could not be asked about
# them: its report tells.
audit: $(AUDIT)/.installed ## known vulnerabilities in what is shipped (needs the network)
	@rm -f $(AUDIT)/found.json; code=0; \
	$(AUDIT)/bin/pip-audit --disable-pip --require-hashes -r requirements.lock \
	  --progress-spinner off --format json --output $(AUDIT)/found.json 2>$(AUDIT)/said || code=$$?; \
	if ! grep -q '"vulns"' $(AUDIT)/found.json 2>/dev/null || grep -q skip_reason $(AUDIT)/found.json; then \
	  echo "NOT AUDITED: the database of vulnerabilities did not answer for every package ($(AUDIT)/found.json)."; \
	  exit 3; \
	elif [ $$code -ne 0 ]; then cat $(AUDIT)/said $(AUDIT)/found.json; exit 1; \
	else echo "No known vulnerability in requirements.lock."; fi

# `data` stays: it may be a shop's only one.
clean: ## remove what was installed and built; `data` stays
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis tests/sdks/node_modules

SDKS := build/sdks
$(SDKS)/.installed: tests/sdks/requirements.txt tests/sdks/requirements-legacy.txt
	$(PYTHON) -m venv $(SDKS)/venv
	$(SDKS)/venv/bin/pip install --quiet --disable-pip-version-check -r tests/sdks/requirements.txt
	$(SDKS)/venv/bin/pip install --quiet --disable-pip-version-check --no-warn-conflicts \
	  --upgrade --target $(SDKS)/legacy -r tests/sdks/requirements-legacy.txt
	touch $@

tests/sdks/node_modules/.package-lock.json: tests/sdks/package-lock.json
	if command -v npm >/dev/null; then cd tests/sdks && \
	  npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error; fi

# Without npm, or without its registry, the tests that need the packages are skipped and say so.
sdk-packages:
	@if command -v npm >/dev/null; then \
	  $(MAKE) --no-print-directory $(SDKS)/.installed tests/sdks/node_modules/.package-lock.json \
	  || echo "Stock SDKs could not be installed: their tests are skipped."; fi

sdks: $(DEV) $(SDKS)/.installed tests/sdks/node_modules/.package-lock.json ## stock SDKs, for real (npm, Chromium)
	$(BIN)/pytest -s -m sdks tests/sdks

# `make demo` and `make test` need Python 3.11 or newer and a package index, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: install demo test check faults mutants bench sdks sdk-packages sources lock clean

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $(STAMP)

install: $(STAMP) ## .venv/bin/footfall

demo: $(STAMP) ## a make-believe shop, end to end, in about a minute
	$(BIN)/footfall demo

test: $(STAMP) check sdk-packages ## everything that must hold, in some minutes
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

check: $(STAMP) ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

faults: $(STAMP) ## hundreds of kills, on the embedded log and on Kafka (Java and Maven); 3,000 SQL escapes
	$(BIN)/python -m tests.faults
	FAULTS_LONG=1 $(BIN)/pytest -n 2 tests/hostile/test_stops.py tests/hostile/test_endings.py
	SQL_ATTACKS=3000 SQL_QUESTIONS=3000 $(BIN)/pytest -s tests/hostile/test_sql_face.py

mutants: $(STAMP) ## seeded breakages: each must turn the fault suite red
	$(BIN)/python -m tests.faults.mutants

bench: $(STAMP) ## events per second against the floor and a plain Faust agent
	$(BIN)/footfall bench

sources: $(STAMP) ## write docs/sources anew from the code of every source
	$(BIN)/python -m collectors.sources

lock: ## write requirements.lock anew from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --quiet --output-file requirements.lock

# `data` stays: it may be a shop's only one.
clean:
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

sdks: $(STAMP) $(SDKS)/.installed tests/sdks/node_modules/.package-lock.json ## stock SDKs, for real (npm, Chromium)
	$(BIN)/pytest -s -m sdks tests/sdks

# Every target works on a machine that has only Python 3.11+, git and make.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
export DO_NOT_TRACK = 1

.PHONY: demo test stress lint ui bench docs lock compose-check clean

demo: $(READY)
	$(BIN)/veririsk demo

test: $(READY)
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not stress"

# The long editions of the fault, concurrency and pooled-seed tests; and the quick rooms once more, shuffled: no test leans on another.
QUICK := contracts evaluation features labels models monitoring panels registry scoring snapshots sources wire
stress: $(READY)
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -m stress
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not stress" -o addopts="--strict-markers -p no:cacheprovider" $(QUICK:%=veririsk_assets_tests/%)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

ui: $(READY)
	$(BIN)/veririsk init
	DAGSTER_HOME="$$($(BIN)/veririsk home --dagster)" $(BIN)/dagster dev --workspace workspace.yaml

bench: $(READY)
	$(BIN)/python -m bench.features
	$(BIN)/python -m bench.protocols
	$(BIN)/python -m bench.evaluation
	$(BIN)/python -m bench.hourly
	$(BIN)/python -m bench.code_location

docs: $(READY)
	$(BIN)/veririsk docs

# The containers, as a user starts them, and what they do when parts of them die. Needs docker compose or podman-compose, and no .venv.
compose-check:
	$(PYTHON) deploy/check.py

# After a change of the dependencies in pyproject.toml. No index host is written. The image installs what the product needs, of the same versions.
lock: $(READY)
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --extra dev --generate-hashes --no-header --no-annotate --no-emit-index-url pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --constraint requirements.lock --generate-hashes --no-header --no-annotate --no-emit-index-url pyproject.toml -o deploy/requirements.lock

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "VeriRisk needs Python 3.11 or newer; set PYTHON=")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	touch $@

clean:
	rm -rf .venv .veririsk .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

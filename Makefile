# A contributor needs two of these: make lint and make test. README.md and CONTRIBUTING.md explain the rest.
SHELL := /bin/bash
VENV ?= .venv
PY := $(VENV)/bin/python
# The environment follows the locked versions; it is made anew when they change.
STAMP := $(VENV)/.installed

.PHONY: lint test bench chaos soak demo demo-down cluster cluster-down wheel-test lock reference clean

$(STAMP): requirements/dev.txt pyproject.toml
	python3 -m venv $(VENV)
	$(PY) -m pip install --quiet --require-hashes --requirement requirements/dev.txt
	$(PY) -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

lint: $(STAMP)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m pytest -q tests/test_floors.py tests/test_tree.py

# Tests on a cluster wait more than they compute: three workers, each with a cluster of its own, keep two processors busy.
# WORKERS=0 runs them one after the other. Those without a cluster compute, and measure time: they get no third one.
WORKERS ?= 3

# ARGS goes to pytest: make test ARGS="--no-cluster -k retry". Everything is built before any test runs beside it: a
# build takes all processors, and tests measure time.
test: $(STAMP)
	$(PY) -m pytest -m "not cluster" --dist worksteal --numprocesses 2 $(ARGS)
	$(if $(findstring --no-cluster,$(ARGS)),,$(PY) -m tests.cluster build > /dev/null)
	$(PY) -m pytest -m cluster --dist loadfile --no-loadscope-reorder --numprocesses $(WORKERS) $(ARGS)

bench: $(STAMP)
	$(PY) -m bench $(ARGS)

# SEED repeats the random points of an earlier run: make chaos SEED=7 ARGS="--only 'repo add: window*'"
chaos: $(STAMP)
	SEED=$(SEED) $(PY) -m tests.chaos $(ARGS)

# 200 certificate windows in a row; ARGS="--windows 20 --seed 7" for fewer, and the same ones again
soak: $(STAMP)
	$(PY) -m bench.soak $(ARGS)

demo: $(STAMP)
	$(PY) -m tests.demo

demo-down: $(STAMP)
	$(PY) -m tests.demo down

cluster: $(STAMP)
	$(PY) -m tests.cluster up $(ARGS)

cluster-down: $(STAMP)
	$(PY) -m tests.cluster down $(ARGS)

# The tests that need no cluster, against the built wheel instead of the working tree; ARGS go to pytest
wheel-test: $(STAMP)
	$(PY) -m tests.wheel $(ARGS)

reference: $(STAMP)
	$(PY) -m tests.reference

# Resolve the dependencies anew and write their hashes; the result names no index
lock:
	$(PY) -m piptools --version >/dev/null 2>&1 || $(PY) -m pip install --quiet pip-tools
	$(PY) -m piptools compile --quiet --generate-hashes --strip-extras --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host --no-header --allow-unsafe --output-file requirements/run.txt pyproject.toml
	$(PY) -m piptools compile --quiet --generate-hashes --strip-extras --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host --no-header --allow-unsafe --extra dev --output-file requirements/dev.txt pyproject.toml

clean:
	rm -rf dist build bench/results .pytest_cache .mypy_cache .ruff_cache .hypothesis $(VENV)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

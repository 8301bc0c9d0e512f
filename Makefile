# Two commands: `make demo` shows the whole journey, `make test` proves it. Both do all the set-up.
# Settings: copy .env.example to .env; the fleetlake command reads it too.
-include .env
export

VENV := .venv
PY := $(VENV)/bin/python
UV := $(VENV)/bin/uv
unexport PYTHONDONTWRITEBYTECODE
# A worker a core (more of them take longer in all); tests/conftest.py says what stays together, and in which order.
PARALLEL := -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder
# Which of them, or none for all.
PACKAGES :=
.DEFAULT_GOAL := help
.PHONY: help demo test check up down status bench proofs test-mwaa lock clean docs packages images sbom audit templates

help:  ## what there is
	@awk -F':.*## ' '/^[a-z%-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.ready: requirements/dev.lock requirements/uv.lock pyproject.toml local/set_up.py runtime/jars.py runtime/java.py runtime/class_archive.py
	@set -e; for candidate in python3.11 python3.12 python3; do \
	  if $$candidate -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null; then exec $$candidate local/set_up.py; fi; \
	done; echo "fleetlake set-up: there is no Python 3.11 or 3.12 on PATH; install one" >&2; exit 1

demo: $(VENV)/.ready  ## the whole journey on simulated devices: start, send, process, train, score, verify, report, stop
	@$(VENV)/bin/fleetlake demo

test: $(VENV)/.ready  ## every test
	@$(PY) -m pytest $(PARALLEL)

check: $(VENV)/.ready  ## format, lint, types, layers, quick tests
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy .
	@$(VENV)/bin/lint-imports
	@$(PY) -m pytest $(PARALLEL) -m "not spark and not cloud and not long"

up: $(VENV)/.ready  ## start the laptop's cloud with the Airflow UI
	@$(VENV)/bin/fleetlake up

down: $(VENV)/.ready  ## stop it
	@$(VENV)/bin/fleetlake down

status: $(VENV)/.ready  ## what runs where, how far each hop is behind
	@$(VENV)/bin/fleetlake status

bench: $(VENV)/.ready  ## what a reading costs (all: make bench BENCH="--full --write")
	@$(PY) -m benchmarks $(BENCH)

proof-%: $(VENV)/.ready  ## prove a figure at full size; leaves docs/proofs/NAME.json
	@$(PY) -m tests.proofs $*

proofs: $(VENV)/.ready  ## list the proofs, and those older than the code they prove
	@$(PY) -m tests.proofs

packages: $(VENV)/.ready  ## make what is deployed to AWS, into build/ (one: make packages PACKAGES=ingest)
	@$(PY) -m infra.packaging $(PACKAGES)

images: $(VENV)/.ready  ## build the images of the APIs, of the worker and of training; needs a container engine
	@$(PY) -m infra.packaging.images

$(VENV)/.release-ready: requirements/release.lock $(VENV)/.ready
	@$(UV) venv -q --clear --python $(PY) $(VENV)/release
	@$(UV) pip sync -q --python $(VENV)/release/bin/python --require-hashes requirements/release.lock
	@touch $@

sbom: $(VENV)/.release-ready  ## list the libraries of a release (CycloneDX JSON), into build/sbom/
	@$(PY) -m infra.packaging.release sbom --tools $(VENV)/release/bin

audit: $(VENV)/.release-ready  ## look for known vulnerabilities of those libraries
	@$(PY) -m infra.packaging.release audit --tools $(VENV)/release/bin

templates: $(VENV)/.ready  ## write the committed templates of the cloud side and their picture again
	@$(PY) -m infra.committed
	@$(PY) -m infra.drawing

docs: $(VENV)/.ready  ## write the generated pages again
	@$(VENV)/bin/fleetlake contracts docs

$(VENV)/.mwaa-ready: requirements/mwaa.lock $(VENV)/.ready
	@$(UV) venv -q --clear --python $(PY) $(VENV)/mwaa
	@$(UV) pip sync -q --python $(VENV)/mwaa/bin/python --compile-bytecode --require-hashes requirements/mwaa.lock
	@touch $@

test-mwaa: $(VENV)/.mwaa-ready  ## the DAGs, and their bundle, on Airflow 3.0.6, the newest that MWAA takes
	@AIRFLOW_HOME=$$(mktemp -d) $(VENV)/mwaa/bin/python -m pytest -c /dev/null --noconftest --rootdir . -q -p no:cacheprovider tests/dags/test_dags.py tests/infra/packaging/test_airflow_bundle.py

lock: $(VENV)/.ready  ## resolve the locks again
	@for name in fleetlake dev infra uv ingest api-function api-image worker spark training release; do \
	  $(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -o requirements/$$name.lock requirements/$$name.in; done
	@$(UV) pip compile -q --universal --python-version 3.11 --exclude-newer 2025-09-05 --generate-hashes --no-emit-index-url --no-annotate --no-header -o requirements/mwaa.lock requirements/mwaa.in

clean:  ## stop everything and remove all state and caches of this checkout
	@if [ -x $(VENV)/bin/fleetlake ]; then $(VENV)/bin/fleetlake down || true; fi
	@rm -rf .fleetlake build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

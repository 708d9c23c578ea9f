# Set-up happens once; each target does nothing twice. The plain commands stand in README.md.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
# every process would compile Dagster and dbt anew
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test dev manifest benchmark lock clean

demo: .venv/ready
	$(BIN)/attendance-pipeline demo

test: .venv/ready-to-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2 --dist loadfile

dev: .venv/ready
	umask 027 && mkdir -p data/dagster && $(BIN)/dagster dev

# after every change of the dbt project; make test says so when it is due
manifest: .venv/ready
	$(BIN)/python -m attendance_pipeline.defs.manifest
	$(BIN)/python -m attendance_pipeline.defs.catalogue --write

benchmark: .venv/ready
	$(BIN)/python -m attendance_pipeline_tests.benchmarks --write

# uv resolves and pins with hashes; the locks name no host
COMPILE := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate --no-strip-extras
lock:
	$(COMPILE) --extra build --upgrade -o requirements.lock
	$(COMPILE) --extra build --extra postgres --extra dev --upgrade --constraints requirements.lock -o requirements-dev.lock

clean:
	rm -rf .venv data

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch .venv/ready

# thousands of modules, of which the tests import few: they aren't compiled ahead
.venv/ready-to-test: .venv/ready requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements-dev.lock
	touch .venv/ready-to-test

VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin

.PHONY: run test bench measure lint clean

run: $(VENV)/.run
	@$(BIN)/partner-dashboard serve $(ARGS)

test: $(VENV)/.test
ifdef ARGS
	@$(BIN)/python -m pytest $(ARGS)
else
	@$(BIN)/python -m pytest -n 2 --dist loadfile --ignore tests/browser
	@$(BIN)/python -m pytest tests/browser
endif

# What the sync is measured against changes how the product's packages behave: an environment apart.
bench:
	@$(MAKE) --no-print-directory VENV=.venv-bench measure

measure: $(VENV)/.bench
	@$(BIN)/python -m tests.benchmarks $(ARGS)

lint: $(VENV)/.test
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

clean:
	rm -rf $(VENV) .venv-bench

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; set PYTHON to it: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing the packages…"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

# Debitura's own SDK pins an old urllib3, which the product must not inherit.
$(VENV)/.test: $(VENV)/.run
	@echo "Installing the test packages…"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps debitura-debt-collection
	@touch $@

$(VENV)/.bench: $(VENV)/.test
	@echo "Installing what the sync is measured against…"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,bench]'
	@touch $@

# Every way to run, test and check giftops. `make` alone lists them.

VENV    ?= .venv
PYTHON   = $(VENV)/bin/python
BIN      = $(VENV)/bin
WORKERS ?= auto

export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help run demo test prove check bench clean

help:  ## list these commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.runtime .env  ## start everything, with simulated providers and demo data
	@exec $(PYTHON) manage.py run

demo: $(VENV)/.runtime .env  ## the main job once, headless, under faults; exit 1 if anything is off
	@exec $(PYTHON) manage.py demo

test: $(VENV)/.development  ## the tests, minutes; says what was skipped and why
	$(BIN)/pytest -n $(WORKERS) -m "not prove and not live" -rs

prove: $(VENV)/.development  ## the long proofs (simulation, kills, browser); SOAK= for more
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup -m "prove and not live" -rs

check: $(VENV)/.development  ## style, types, layers, deployment, migrations, packages
	@.ci/check $(BIN)

bench: $(VENV)/.development  ## benchmarks as ratios, into bench/results/
	$(PYTHON) -m bench.run

clean:  ## remove caches, never data, keys or the virtual environment
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache htmlcov .coverage
	find . -path ./$(VENV) -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

# Installed again only when the list of packages changes.
$(VENV)/.runtime: requirements.txt .ci/venv
	@echo "Installing the packages of requirements.txt into $(VENV) …"
	@.ci/venv $(VENV)
	@$(PYTHON) -m pip install --quiet --requirement requirements.txt
	@touch $@

$(VENV)/.development: requirements-dev.txt $(VENV)/.runtime
	@echo "Installing the packages of requirements-dev.txt into $(VENV) …"
	@$(PYTHON) -m pip install --quiet --requirement requirements-dev.txt
	@touch $@

# Fresh keys, readable only by you; an existing file is never touched.
.env: | $(VENV)/.runtime
	@$(PYTHON) -m giftops.make_env $@

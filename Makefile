# Everything runs in .venv, which is made on first use and brought up to date when pyproject.toml changes.
# A Python of your choice:  make PYTHON=/path/to/python3.12 test
# Written for GNU make 3.81 and later, which is what macOS has.

PYTHONS = $(or $(PYTHON),python3.11 python3)
PY      = .venv/bin/python
PIP     = $(PY) -m pip install --quiet --disable-pip-version-check
CORES   = $(shell getconf _NPROCESSORS_ONLN)
PYTEST  = $(PY) -m pytest -n auto --maxprocesses=$(CORES) --dist worksteal

.PHONY: demo test test-long bench lint clean
.NOTPARALLEL:

demo: .venv/.demo
	@$(PY) examples/demo.py

test: lint
	@echo "pytest"
	@$(PYTEST)

test-long: .venv/.test
	@echo "pytest, long sweeps included"
	@$(PYTEST) -m "long or not long"

# A core type that was forced on OpenBLAS would be measured instead of the machine.
bench: .venv/.demo
	@env -u OPENBLAS_CORETYPE $(PY) bench/run.py

lint: .venv/.test
	@echo "ruff"
	@$(PY) -m ruff check --quiet --output-format concise .
	@echo "mypy"
	@$(PY) -m mypy --no-error-summary

# The interpreter is tried, not only found: a version manager's shim may stand for a Python that is not installed.
.venv/.made:
	@for python in $(PYTHONS); do \
	  if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    echo "Making .venv with $$($$python --version)"; \
	    $$python -m venv --clear .venv && touch $@; exit; \
	  fi; \
	done; \
	echo "iverson needs Python 3.11 or later with its venv module; tried: $(PYTHONS)." >&2; \
	echo "Install one, or name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; \
	exit 1

.venv/.demo: .venv/.made pyproject.toml
	@echo "Installing iverson and scikit-learn (for its bundled digits) into .venv"
	@$(PIP) --editable ".[sklearn]"
	@touch $@

.venv/.test: .venv/.made pyproject.toml
	@echo "Installing iverson and its test tools into .venv"
	@$(PIP) --editable ".[test]"
	@touch $@

clean:
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache build dist examples/out
	@find src tests examples bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
	@echo "Removed .venv, caches, builds and what the demo wrote"

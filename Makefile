# Each target sets up what it needs; a second call finds it ready.
#
#   make demo       one whole campaign on this machine, ends with a report
#   make demo-vla   a policy that reads instructions, and the proof that it does; 25 minutes
#   make test       linters, types and tests, under ten minutes on two cores
#   make test-all   the slow tests as well
#   make test-lerobot  LeRobot itself against ours, in .venv-lerobot (9 GB); says so where it cannot
#   make lint       ruff and pyright
#   make bench      the measurements in benchmarks/, as JSON under benchmarks/results/
#   make setup      only .venv with what the package needs
#   make clean      remove both environments and caches; runs/ stays
#
# PYTHON=python3.12 chooses an interpreter, WORKERS=1 the number of test processes.

PYTHON ?= python3
WORKERS ?= $(shell n=$$(nproc 2>/dev/null || echo 1); [ $$n -gt 4 ] && echo 4 || echo $$n)
BIN := .venv/bin
PYTEST := OMP_NUM_THREADS=1 LP_NUM_THREADS=0 $(BIN)/pytest -n $(WORKERS) --dist loadfile --durations 15
SOURCES := pyproject.toml constraints.txt scripts/setup.sh

.PHONY: demo demo-vla test test-all test-lerobot lint bench setup clean
.DEFAULT_GOAL := demo

.venv/.ready: $(SOURCES)
	@PYTHON=$(PYTHON) sh scripts/setup.sh

.venv/.ready-dev: $(SOURCES)
	@PYTHON=$(PYTHON) sh scripts/setup.sh dev

setup: .venv/.ready

demo: .venv/.ready
	@code=0; $(BIN)/loopyard run configs/demo.yaml || code=$$?; \
	[ $$code -eq 0 ] || [ ! -f runs/demo/report/index.html ] || echo "report: runs/demo/report/index.html"; \
	exit $$code

demo-vla: .venv/.ready
	@$(BIN)/loopyard run configs/demo-vla.yaml && \
	$(BIN)/loopyard evaluate --vla runs/demo-vla/best --n 200 --target 0.9

lint: .venv/.ready-dev
	@code=0; $(BIN)/ruff check . || code=1; \
	$(BIN)/ruff format --check . || code=1; \
	$(BIN)/pyright || code=1; exit $$code

# The tests run even where a linter complains: one call tells all.
test: .venv/.ready-dev
	@code=0; $(MAKE) --no-print-directory lint || code=1; \
	$(PYTEST) -m "not slow" || code=$$?; exit $$code

test-all: .venv/.ready-dev
	@code=0; $(MAKE) --no-print-directory lint || code=1; \
	$(PYTEST) || code=$$?; exit $$code

# Where the environment cannot be made, the reason is printed and the target ends well: it is no
# failure of what is tested.
test-lerobot: .venv/.ready
	@code=0; PYTHON=$(PYTHON) sh tests/lerobot/setup.sh || code=$$?; \
	[ $$code -ne 75 ] || exit 0; [ $$code -eq 0 ] || exit $$code; \
	LP_NUM_THREADS=0 .venv-lerobot/bin/python -m pytest -c tests/lerobot/pytest.ini tests/lerobot

bench: .venv/.ready-dev
	@for script in benchmarks/[!_]*.py; do \
		echo "== $$script"; $(BIN)/python $$script || exit $$?; \
	done

clean:
	rm -rf .venv .venv-lerobot .pytest_cache .ruff_cache .hypothesis build dist
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

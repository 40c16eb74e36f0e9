# make lab         from a fresh clone to an open JupyterLab at unit 00
# make test        all that guards a user, in ten minutes on two cores
# make test-fast   what answers within a minute, for between two edits
# make test-slow   what takes longer: full training, other versions, the wheel, attacks
# Needs GNU make 3.81 or newer and Python 3.11 or newer. Works on Linux and macOS.

PYTHON ?= python3
VENV   ?= .venv
# PyTorch goes in first and alone, so that nothing else decides which build you get. To choose
# another (a GPU's, or the CPU build on Linux): make lab TORCH_FLAGS="…" as README says.
TORCH       ?= torch==2.13.0
TORCH_FLAGS ?=
JOBS        ?= 2
LESSON      ?=
LAB_FLAGS   ?=
MINE         = my-lessons

# make test BIN=/some/environment/bin uses an environment that is ready, and installs nothing.
ifeq ($(origin BIN),command line)
LAB_READY  =
TEST_READY =
else
BIN        = $(VENV)/bin
LAB_READY  = $(VENV)/.ready-lab
TEST_READY = $(VENV)/.ready-test
endif
PY = "$(BIN)/python"

# A worker runs a whole file or notebook, the longest first (conftest.py). Of a lesson, printed lines,
# html and text are compared. pyproject.toml says what the marks mean.
NBVAL = --nbval --nbval-current-env --nbval-cell-timeout=240 --nbval-sanitize-with=lessons/nbval.cfg
PYTEST = OMP_NUM_THREADS=1 $(PY) -m pytest -q -p no:cacheprovider --durations=10
SHARED = -n $(JOBS) --dist loadscope --no-loadscope-reorder
UNIT = not browser and not long and not attack
LESSON_STEPS = 8
EXAM = tests/train/test_exam.py
TRAINS = $(patsubst lessons/src/%.py,lessons/%.ipynb,$(shell grep -l lesson_steps lessons/src/*.py))
OUT ?= benchmarks/results

.DEFAULT_GOAL := help
.PHONY: help install lab lint test test-fast test-slow test-unit test-lessons test-training \
  test-attacks test-full-lessons test-triton test-oldest test-wheel coverage lessons reset check bench gpu size clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-17s %s\n", $$1, $$2}' Makefile

install: $(LAB_READY) $(TEST_READY) ## make .venv and install what lessons and tests need

$(VENV)/.torch:
	@$(PYTHON) -c "import sys; sys.exit('minseg needs Python 3.11 or newer: make PYTHON=…' if sys.version_info < (3, 11) else 0)"
	$(PYTHON) -m venv $(VENV)
	@$(PY) -c "import torch" 2>/dev/null || { set -x; $(PY) -m pip install -q $(TORCH_FLAGS) "$(TORCH)"; }
	@touch $@

$(VENV)/.ready-lab: $(VENV)/.torch pyproject.toml constraints.txt
	$(PY) -m pip install -q -c constraints.txt -e ".[lab,triton]"
	@touch $@

$(VENV)/.ready-test: $(VENV)/.torch pyproject.toml constraints.txt
	$(PY) -m pip install -q -c constraints.txt -e ".[lab,test,browser,triton]"
	@touch $@ $(VENV)/.ready-lab

# Nothing but loopback hears it, and the address it prints carries a token. It asks nobody for news,
# nor you whether it should: that is a setting, which overrides.json changes and yours may change back.
LAB = $(PY) -m jupyterlab --ip=127.0.0.1 --ServerApp.root_dir="$(CURDIR)/$(MINE)" \
  --LabApp.default_url=/lab/tree/00_start_here.ipynb --LabApp.news_url=None \
  --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate \
  --LabApp.app_settings_dir="$(CURDIR)/lessons/jupyterlab" \
  --LabApp.extension_manager=readonly $(if $(filter 0,$(shell id -u)),--allow-root)

lab: $(LAB_READY) ## open JupyterLab on your own copy of the lessons, my-lessons/
	$(PY) lessons/workspace.py refresh "$(MINE)"
	MINSEG_STATE="$(CURDIR)/$(MINE)" $(LAB) $(LAB_FLAGS)

reset: ## a fresh copy of one unit: make reset LESSON=21 (yours is kept under a new name)
	@test -n "$(LESSON)" || { echo "which unit? make reset LESSON=21"; exit 2; }
	@$(PYTHON) lessons/workspace.py reset "$(MINE)" "$(LESSON)"

lint: $(TEST_READY) ## linter, formatter, types, and whether notebooks are current
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) lessons/build.py check

test: lint ## lint, units, every lesson with short training, and the browser where there is one
	MINSEG_LESSON_STEPS=$(LESSON_STEPS) $(PYTEST) $(SHARED) $(NBVAL) tests lessons

test-fast: $(TEST_READY) ## linter and the quick units, within a minute
	$(PY) -m ruff check .
	$(PYTEST) $(SHARED) tests -m "$(UNIT) and not slow"

test-unit: $(TEST_READY) ## all units, examples in docstrings included
	$(PYTEST) $(SHARED) tests -m "$(UNIT)"

test-lessons: $(TEST_READY) ## run lessons and compare their outputs: make test-lessons LESSON=21
	$(PYTEST) $(SHARED) $(NBVAL) $(if $(LESSON),$(wildcard lessons/$(LESSON)_*.ipynb),lessons)

# Each line in a make of its own, which ends the row where one fails; pytest speaks last.
test-slow: $(TEST_READY) ## what is too long for make test: 30 minutes on two cores
	$(MAKE) test-wheel
	$(MAKE) test-triton
	$(MAKE) test-oldest
	$(MAKE) test-full-lessons
	$(MAKE) test-attacks
	$(MAKE) test-training

test-full-lessons: $(TEST_READY) ## lessons that train, at their full length
	$(PYTEST) $(SHARED) $(NBVAL) $(TRAINS)

test-training: $(TEST_READY) ## models from nothing, judged by the exam: one process, all cores
	OMP_NUM_THREADS=$(JOBS) $(PY) -m pytest -q -p no:cacheprovider --durations=10 $(EXAM) -m long

test-attacks: $(TEST_READY) ## damaged files, many writers, kills; and the long forms of tests
	$(PYTEST) $(SHARED) tests -m "attack or long" --ignore=$(EXAM)

# Environments of their own, outside of this folder, gone afterwards. The last two need .venv for
# nothing, so that they can be run without it.
test-triton: $(TEST_READY) ## the kernels' checks with the oldest Triton that is promised
	@set -e; there=$$(mktemp -d); trap 'rm -rf "$$there"' EXIT; \
	if ! $(PY) -m pip install -q --no-deps --target "$$there" triton==3.6.0; then \
	  echo "no Triton 3.6.0 for this machine: going on without"; exit 0; fi; set -x; \
	MINSEG_TRITON="$$there" $(PYTEST) -n $(JOBS) tests/kernels/test_kernels.py -m "long or not long"

test-wheel: ## build the wheel, install it into an empty environment, use it there
	@set -e; there=$$(mktemp -d); trap 'rm -rf "$$there" build' EXIT; rm -rf build; set -x; \
	$(PYTHON) -m venv "$$there/env"; pip="$$there/env/bin/python -m pip"; \
	$$pip wheel -q --no-deps -w "$$there" .; \
	$$pip install -q $(TORCH_FLAGS) "$(TORCH)"; \
	$$pip install -q -c constraints.txt "$$there"/minseg-*.whl; \
	cp tests/helpers/use_installed.py "$$there"; \
	cd "$$there" && env/bin/python use_installed.py "$(CURDIR)"

test-oldest: ## the quick units with the oldest releases that pyproject promises
	@set -e; there=$$(mktemp -d); trap 'rm -rf "$$there"' EXIT; set -x; \
	$(PYTHON) -m venv "$$there/env"; python="$$there/env/bin/python"; \
	$$python tests/helpers/oldest.py lab test >"$$there/oldest.txt"; \
	$$python -m pip install -q $(TORCH_FLAGS) -r "$$there/oldest.txt"; \
	OMP_NUM_THREADS=1 PYTHONPATH="$(CURDIR):$(CURDIR)/kernels" $$python -m pytest -q \
	  -p no:cacheprovider --durations=10 $(SHARED) tests \
	  --ignore=tests/browser --ignore=tests/test_lessons.py -W ignore::DeprecationWarning \
	  -m "$(UNIT) and not slow"

coverage: $(TEST_READY) ## lines that the units reach; fails below the floor in pyproject.toml
	$(PYTEST) $(SHARED) tests -m "$(UNIT)" --cov --cov-report=term:skip-covered

lessons: $(TEST_READY) ## make lessons from their sources: make lessons LESSON=21
	$(PY) lessons/build.py build $(LESSON)

check: $(TEST_READY) ## whether each lesson is the one its source makes
	$(PY) lessons/build.py check $(LESSON)

bench: $(TEST_READY) ## measure, beside peers where they are installed
	@set -e; for script in $(filter-out %_worker.py,$(wildcard benchmarks/*.py)); do \
	  echo "== $$script"; $(PY) $$script || [ $$? -eq 2 ]; done

# Asks nothing of an environment but PyTorch and Triton, and installs nothing.
gpu: ## tests, kernels' speed and a minute of training on a CUDA GPU: make gpu OUT=folder
	@python="$(BIN)/python"; test -x "$$python" || python="$(PYTHON)"; \
	"$$python" benchmarks/gpu/run.py --out "$(OUT)"

size: ## files, lines, functions and comments of each package
	@$(PYTHON) benchmarks/size.py

clean: ## remove .venv and caches; my-lessons/ stays
	rm -rf $(VENV) build dist test-results .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info

# make lab    from a fresh clone to an open JupyterLab at lesson 00
# make test   everything that continuous integration runs
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

# One worker runs a whole notebook (loadscope); a lesson's text, html and printed lines are compared.
NBVAL = --nbval --nbval-current-env --nbval-cell-timeout=240 --nbval-sanitize-with=lessons/nbval.cfg
PYTEST = OMP_NUM_THREADS=1 $(PY) -m pytest -q -p no:cacheprovider -n $(JOBS) --dist loadscope

.DEFAULT_GOAL := help
.PHONY: help install lab test test-unit test-attacks test-lessons lessons reset check bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-13s %s\n", $$1, $$2}' Makefile

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

# Nothing but loopback hears it, the address it prints carries a token, and it asks nobody for news.
LAB = $(PY) -m jupyterlab --ip=127.0.0.1 --ServerApp.root_dir="$(CURDIR)/$(MINE)" \
  --LabApp.default_url=/lab/tree/00_start_here.ipynb --LabApp.news_url=None \
  --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate \
  --LabApp.extension_manager=readonly $(if $(filter 0,$(shell id -u)),--allow-root)

lab: $(LAB_READY) ## open JupyterLab on your own copy of the lessons, my-lessons/
	$(PY) lessons/workspace.py refresh "$(MINE)"
	MINSEG_STATE="$(CURDIR)/$(MINE)" $(LAB) $(LAB_FLAGS)

reset: ## a fresh copy of one lesson: make reset LESSON=05 (yours is kept under a new name)
	@test -n "$(LESSON)" || { echo "which lesson? make reset LESSON=05"; exit 2; }
	@$(PYTHON) lessons/workspace.py reset "$(MINE)" "$(LESSON)"

test: $(TEST_READY) ## all checks, unit tests, every lesson, and the browser where there is one
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) lessons/build.py check
	$(PYTEST) $(NBVAL) tests lessons

test-unit: $(TEST_READY) ## the unit tests alone
	$(PYTEST) tests -m "not browser and not attack"

test-attacks: $(TEST_READY) ## damaged files, many writers, kills: minutes, and not part of make test
	$(PYTEST) tests -m attack

test-lessons: $(TEST_READY) ## run lessons and compare their outputs: make test-lessons LESSON=05
	$(PYTEST) $(NBVAL) $(if $(LESSON),$(wildcard lessons/$(LESSON)_*.ipynb),lessons)

lessons: $(TEST_READY) ## make lessons from their sources: make lessons LESSON=05
	$(PY) lessons/build.py build $(LESSON)

check: $(TEST_READY) ## whether each lesson is the one its source makes
	$(PY) lessons/build.py check $(LESSON)

bench: $(TEST_READY) ## measure, beside peers where they are installed
	@set -e; for script in $(filter-out %_worker.py,$(wildcard benchmarks/*.py)); do \
	  echo "== $$script"; $(PY) $$script || [ $$? -eq 2 ]; done

clean: ## remove .venv and caches; my-lessons/ stays
	rm -rf $(VENV) build dist test-results .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info

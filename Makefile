# The course's commands. Each sets up .venv first, which takes a minute or two the first time and nothing after that.
# Needed: Python 3.11 or newer with its venv module, and make.   make lab PYTHON=python3.12   chooses another Python.

PYTHON ?= python3
LAB_ARGS ?=
TEST_ARGS ?=
NOTEBOOKS ?=
ADDRESS ?=
BENCH_ARGS ?=
ROWS ?=
MODULE ?=
CHAPTERS ?=
TARGET ?= cross_entropy binary_cross_entropy_with_logits examine grade
SECONDS ?= 600

BIN := .venv/bin
READY := .venv/ready
LAB_READY := .venv/lab-ready
TEST_READY := .venv/test-ready
MUTANTS_READY := .venv/mutants-ready
BOOK_READY := .venv/book-ready
BROWSER_READY := .venv/browser-ready
UNFINISHED := .venv/unfinished
TEST_EXTRAS := test,lint,gpu
# One set-up at a time: this holds a lock for as long as the command runs that follows it, and leaves no file.
LOCKED := $(PYTHON) -c 'import fcntl, os, sys; file = os.open("pyproject.toml", os.O_RDONLY); fcntl.flock(file, fcntl.LOCK_EX); os.set_inheritable(file, True); os.execvp(sys.argv[1], sys.argv[1:])'

.PHONY: help lab test test-sim gpu notebooks bench book pdf slides test-browser colab assignment test-grade test-answers lint robustness matrix properties fuzz mutants clean
.DEFAULT_GOAL := help

help:  ## show these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

lab: $(LAB_READY)  ## open the course in JupyterLab
	@$(BIN)/python -m jupyterlab --config .jupyter/jupyter_lab_config.py $(LAB_ARGS)

test: $(TEST_READY)  ## run every test, every docstring's example and every notebook
	@$(BIN)/python -m pytest --every-notebook -q -n 2 --dist loadfile --no-loadscope-reorder $(TEST_ARGS)

test-sim: $(TEST_READY)  ## run all of it again beside a simulated accelerator, to test the code for devices without one
	@PYTHONPATH="$$PWD/tests/devices/simulated" $(BIN)/python -m pytest --every-notebook -q -n 2 --dist loadfile --no-loadscope-reorder $(TEST_ARGS)

gpu: $(TEST_READY)  ## on a machine with an accelerator: test and measure there, and write the table to send in
	@$(BIN)/python tools/report_devices.py

notebooks: $(TEST_READY)  ## run the notebooks and store them with their outputs (NOTEBOOKS="…" for some of them)
	@$(BIN)/python -m tools.execute_notebooks $(NOTEBOOKS)
	@$(BIN)/python -m tools.colab

bench: $(TEST_READY)  ## time the losses beside PyTorch's, some ten minutes; tables and a figure go to build/bench
	@$(BIN)/python -m benchmarks $(BENCH_ARGS)

book: $(BOOK_READY)  ## build the web book: open build/book/index.html
	@rm -rf build/book
	@$(BIN)/python -m sphinx -q -W --keep-going -n -E -c book -d build/doctrees . build/book
	@echo "The book is built: open build/book/index.html"

pdf: $(BROWSER_READY) book  ## print each chapter of the book to build/book/pdf, with Chromium
	@$(BIN)/python -m tools.print_chapters

slides: $(BOOK_READY)  ## build a lecture a chapter: open build/slides/index.html
	@rm -rf build/slides
	@$(BIN)/python book/slides.py build/slides
	@echo "The slides are built: open build/slides/index.html"

test-browser: $(BROWSER_READY) book slides  ## open book, slides and notebooks in a real browser without a network
	@$(BIN)/python -m pytest -o addopts= -q -ra tests/browser $(TEST_ARGS)

colab: $(TEST_READY)  ## write the copies for Colab to colab/ (ADDRESS=https://github.com/… replaces the project's address)
	@$(BIN)/python -m tools.colab $(ADDRESS)

assignment: $(TEST_READY)  ## write the notebooks without outputs and solutions to build/assignment
	@$(BIN)/python -P -m xent_helpers.exercises assignment

test-grade: $(TEST_READY)  ## grade some seventy broken and hostile submissions (minutes; needs bubblewrap)
	@$(BIN)/python -m pytest -q -m slow tests/grading

test-answers: $(TEST_READY)  ## run the notebooks with every exercise answered, rightly and wrongly (minutes)
	@$(BIN)/python -m pytest -q -m slow tests/exercises

lint: $(TEST_READY)  ## check the style of the code and the spelling
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/python -m codespell_lib

robustness: $(TEST_READY)  ## run the chapters' comparisons again with other seeds, rates and budgets (CHAPTERS="4 7"; half an hour)
	@OMP_NUM_THREADS=1 $(BIN)/python -m tools.robustness $(CHAPTERS)

matrix: $(TEST_READY)  ## run the notebooks under other processors, threads, locales, versions … (half an hour; ROWS="…" for some)
	@$(BIN)/python -m tools.matrix $(ROWS)

properties: $(TEST_READY)  ## try the helpers on 1,000 random inputs a property (half an hour)
	@$(BIN)/python -m pytest -q --hypothesis-profile=thorough $$(grep -rl --include="test_*.py" "@given" tests)

fuzz: $(TEST_READY)  ## look for inputs that crash the helpers, 10 minutes a target (TARGET="…", SECONDS=…; Linux)
	@set -e; for target in $(TARGET); do $(BIN)/python -m tools.fuzz $$target -max_total_time=$(SECONDS); done

mutants: $(MUTANTS_READY)  ## change the helpers and see whether the tests notice (MODULE="…"; minutes to hours)
	@$(BIN)/python -m tools.mutants $(MODULE)

clean:  ## remove .venv and everything else that a command has made
	@rm -rf .venv build book/api mutants .pytest_cache .ruff_cache .hypothesis .coverage *.egg-info
	@find . -name __pycache__ -prune -exec rm -rf {} +
	@find . -name .ipynb_checkpoints -prune -exec rm -rf {} +

# The set-up carries the mark `unfinished` until its last line renames it `ready`; one that was interrupted starts again.
ifdef LOCK_HELD
$(READY): pyproject.toml constraints.txt
	@if [ -e $(UNFINISHED) ]; then rm -rf .venv; fi
	@mkdir -p .venv && touch $(UNFINISHED) && rm -f $(READY)
	@$(PYTHON) -m venv .venv
	@mv $(UNFINISHED) $(READY) && touch $(READY)
else
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("This is Python %d.%d; the course needs 3.11 or newer. Name one: make PYTHON=python3.12 …" % sys.version_info[:2])'
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) lacks its venv module (on Debian and Ubuntu: apt install python3-venv)."; exit 1; }
	@$(LOCKED) $(MAKE) --no-print-directory LOCK_HELD=yes $(READY)
endif

# Each command adds the extras of pyproject.toml that it needs, so that `make lab` stays light.
define add
	@echo "Setting up .venv with $(1) (once, a minute or two) …"
	@$(LOCKED) $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[$(1)]'
	@touch $@
endef

$(LAB_READY): $(READY)
	$(call add,lab)

$(TEST_READY): $(READY)
	$(call add,$(TEST_EXTRAS))

$(MUTANTS_READY): $(TEST_READY)
	$(call add,mutants)

$(BOOK_READY): $(TEST_READY)
	$(call add,book)

$(BROWSER_READY): $(BOOK_READY)
	$(call add,browser)

# make demo and make test do all of their own set-up; make help lists the rest.

# The active virtual or conda environment, or else .venv, which is made.
VENV := $(or $(VIRTUAL_ENV),$(CONDA_PREFIX),.venv)
PYTHON := $(VENV)/bin/python
# What makes .venv.
BASE_PYTHON ?= python3
# make install's choices; those that are not given stay as they were the last time.
option = $(if $(filter undefined,$(origin $(1))),,--$(2) "$($(1))")
CHOICES = $(call option,EXTRAS,extras) $(call option,CONSTRAINTS,constraints) $(call option,DETECTRON2,detectron2)

.DEFAULT_GOAL := help
.PHONY: help demo train-demo test test-portable test-matrix docs-check install lint format constraints clean distclean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

demo: install ## Train, evaluate and draw on the synthetic data set (about ten minutes on two cores)
	"$(PYTHON)" demo/run_synthetic.py --output output/demo

# The model "synthetic" that comes with the package; MODEL_ZOO.md has its figures.
DEMO_MODEL := output/train_demo
train-demo: install ## Make the shipped model of the drawn scenes anew (about ten minutes)
	"$(PYTHON)" -m choi_d2 synthetic --seed 1 --train 2000 --val 240 --test 240
	"$(PYTHON)" -m choi_d2 train --resume --config-file configs/synthetic/choi_R_18_FPN.yaml \
	  OUTPUT_DIR $(DEMO_MODEL)
	"$(PYTHON)" -m choi_d2 export-bundle $(DEMO_MODEL) --output $(DEMO_MODEL)/synthetic.safetensors \
	  --int8 --provenance "command=make train-demo" "licence=Apache-2.0" \
	  "pictures=2,000 scenes drawn by choi synthetic --seed 1" "boxes=the scenes' own"

# WORKERS=1: one process. A file's tests stay together, as they share what is slow to set up.
WORKERS ?= auto
PYTEST := "$(PYTHON)" -m pytest --numprocesses $(WORKERS) --maxprocesses 8 --dist loadfile
test: install ## Run the tests, a process on each core
	$(PYTEST) tests

# The rooms that compute; SEED=n repeats an order.
COMPUTING := $(addprefix tests/,modeling evaluation structures visualization pictures utils)
SEED ?= $(shell od -An -N2 -tu2 /dev/urandom | tr -d " ")
test-portable: install ## Run the tests of what computes with plain instructions, in random order
	ATEN_CPU_CAPABILITY=default OMP_NUM_THREADS=1 $(PYTEST) $(COMPUTING) \
	  --random-order --random-order-seed=$(SEED)

# TESTS="tests/modeling -x": some of them, or other arguments of pytest.
test-matrix: install ## Run the tests six times: all, AVX2 and plain instructions, 1 and 2 threads
	"$(PYTHON)" tests/run_matrix.py $(TESTS)

docs-check: install ## Run the documents' commands, made short
	"$(PYTHON)" -W ignore docs/check_commands.py

install: ## Install the package into the active environment, or into .venv
	@test -x "$(PYTHON)" || { \
	  "$(BASE_PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 10) and "error: choi_d2 needs Python 3.10 or newer, this is %s: make install BASE_PYTHON=python3.x" % sys.version.split()[0])' \
	  && echo "Making $(VENV)" && "$(BASE_PYTHON)" -m venv "$(VENV)"; }
	@"$(PYTHON)" packaging/install.py $(CHOICES)

lint: install ## Check the sources: rules, format, and the types of the public API
	"$(PYTHON)" -m ruff check .
	"$(PYTHON)" -m ruff format --check .
	"$(PYTHON)" -m mypy

format: install ## Sort imports and format the sources
	"$(PYTHON)" -m ruff check --select I --fix .
	"$(PYTHON)" -m ruff format .

constraints: install ## Write the installed versions to constraints.txt
	"$(PYTHON)" packaging/freeze_constraints.py constraints.txt

clean: ## Delete caches and build products
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
	find . -path ./.venv -prune -o -type d -name __pycache__ -exec rm -rf {} +

distclean: clean ## Delete .venv and output as well
	rm -rf .venv output

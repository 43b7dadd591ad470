# make demo | make test are the two commands; each installs what it needs first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 3
PARALLEL := -n $(WORKERS) --dist loadscope --no-loadscope-reorder
STAMP := $(VENV)/.installed
# Installs into an environment: pip, or the uv that is named (`make install UV=uv`), which is quicker.
UV ?=
into = $(if $(UV),$(UV) pip install --python $(1)/bin/python,$(1)/bin/python -m pip install) --quiet

.PHONY: help install lint check tests test fast docs install-lowest test-lowest demo demo-short open-questions bench gpu-carry gpu-bench gpu-test clean

help:  ## what each target does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/ -/'

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(call into,$(VENV)) --constraint constraints.txt --editable '.[dev]'
	@touch $@

install: $(STAMP)  ## create .venv with the pinned versions

lint: install  ## ruff, format, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint  ## the same, and the size of files and bodies
	$(BIN)/pytest -q tests/test_sizes.py

fast: install  ## the fast tests: no marker
	$(BIN)/pytest -q $(PARALLEL) -m "not slow and not gpu and not browser and not postgres and not mysql and not long"

tests: install  ## every test but those that need a GPU or very long
	$(BIN)/pytest -q $(PARALLEL) -m "not gpu and not long"

test: check tests  ## every check, and every test but those that need a GPU or very long

docs: install  ## build the documentation in build/site; warnings are errors
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# No test of the browser, none that reads what only the running half has, and none of the page
# whose every line others run (tests/benchmarks/lowest_lines.py).
LOWEST := $(VENV)-lowest
READING := tests/database tests/analysis tests/report tests/notebook tests/test_reading_elsewhere.py \
	--ignore-glob 'tests/report/test_browser*' --ignore tests/report/test_declared_diagnostics.py
$(LOWEST)/.installed: pyproject.toml tests/lowest.py
	test -x $(LOWEST)/bin/python || $(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python tests/lowest.py > $(LOWEST)/requirements.txt
	$(call into,$(LOWEST)) --requirement $(LOWEST)/requirements.txt
	$(call into,$(LOWEST)) --no-deps --editable .
	@touch $@

install-lowest: $(LOWEST)/.installed  ## create .venv-lowest with the lowest versions allowed

test-lowest: install-lowest  ## the fast tests of the reading half with the lowest versions allowed, without torch and Ray
	$(LOWEST)/bin/python -m pytest -q -W default \
		-m "not slow and not gpu and not browser and not postgres and not mysql and not long" $(READING) @tests/lowest_left_out.txt

demo: install  ## sweep MPBM and AuG-KD on real digits and write reports/demo*.html
	$(BIN)/dgsearch run studies/demo_mpbm.toml
	$(BIN)/dgsearch report demo-mpbm -o reports/demo.html
	$(BIN)/dgsearch run studies/demo_augkd.toml
	$(BIN)/dgsearch report demo-augkd -o reports/demo_augkd.html

SHORT := build/demo-short
demo-short: install  ## the demo with few epochs, values and targets, one seed and its own database, as CI runs it
	rm -rf $(SHORT)
	mkdir -p $(SHORT)
	$(BIN)/dgsearch run studies/demo_mpbm.toml --database $(SHORT)/study.db --artifacts $(SHORT)/artifacts \
		--set seeds=[0] --set 'data.targets=["photo"]' --set 'design.vary={ lambda_adv = [0.0, 0.5, 1.0], N_b = [2, 5] }' \
		--set hyperparameters.epochs=1 --set hyperparameters.pretrain_epochs=1 --set hyperparameters.T=1
	$(BIN)/dgsearch report demo-mpbm --database $(SHORT)/study.db -o $(SHORT)/demo.html
	test $$(wc -c < $(SHORT)/demo.html) -gt 1000000
	$(BIN)/dgsearch run studies/demo_augkd.toml --database $(SHORT)/study.db --artifacts $(SHORT)/artifacts \
		--set seeds=[0] --set hyperparameters.teacher_epochs=1 --set hyperparameters.generator_epochs=1 \
		--set hyperparameters.generator_steps=4 --set hyperparameters.anchor_epochs=1 --set hyperparameters.epochs=1
	$(BIN)/dgsearch report demo-augkd --database $(SHORT)/study.db -o $(SHORT)/demo_augkd.html

# One after another, so that each finds the stages of those before it. A trial that failed (exit 1)
# does not keep the other studies from running; anything else (a wrong file, Ctrl-C) ends it.
QUESTIONS := mpbm_q1_erm mpbm_ablation mpbm_q3_grid mpbm_q4_other_source mpbm_q5_overhead \
	mpbm_q6_synthetic mpbm_q8_queries mpbm_q9_lambda_mix augkd_q1_data_free augkd_q2_anchors \
	augkd_q3_ramps augkd_q4_grid augkd_q5_teachers augkd_q6_modules augkd_q7_anchor_choice \
	augkd_q8_gap_slanted augkd_q8_gap_typeset augkd_q8_gap_street augkd_q8_gap_photo
open-questions: install  ## run the studies of the papers' open questions and write reports/open_questions.html
	@failed=0; for name in $(QUESTIONS); do \
		$(BIN)/dgsearch run studies/$$name.toml; code=$$?; \
		if [ $$code -gt 1 ]; then exit $$code; fi; \
		if [ $$code -eq 1 ]; then failed=1; fi; \
	done; \
	$(BIN)/dgsearch questions -o reports/open_questions.html && exit $$failed

# Both take the python that is there, so that a machine with its own PyTorch needs no install. What
# is needed beside it lies in build/carried, filled on another machine: run `make gpu-carry` there
# and copy the folder. CARRY names further versions of Python: make gpu-carry CARRY="3.12 3.13".
HERE := PYTHONPATH=. $(if $(wildcard $(BIN)/python),$(BIN)/python,$(PYTHON))
gpu-carry: install  ## fill build/carried with what a machine needs that has only PyTorch
	$(BIN)/python tests/benchmarks/carried.py build/carried $(CARRY:%=--python %)

gpu-bench:  ## ratios of an accelerator in build/gpu-bench.json
	$(HERE) tests/benchmarks/gpu_bench.py --budget 285 -o build/gpu-bench.json

gpu-test:  ## what must hold on an accelerator, in build/gpu-test.json; then the tests, if installed
	$(HERE) tests/benchmarks/gpu_bench.py --checks --budget 75 -o build/gpu-test.json
	if [ -x $(BIN)/pytest ]; then timeout --signal=INT 90 $(BIN)/pytest -q -m gpu; fi

clean:  ## remove what the demo made (study database, artifacts, pages)
	rm -rf dgsearch.db dgsearch.db-wal dgsearch.db-shm artifacts reports/*.html

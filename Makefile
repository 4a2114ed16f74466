# Bare `make` lists what there is. Needs Python 3.11 or newer, make, and a network for the first time.

PYTHON ?= $(firstword $(foreach name,python3.13 python3.12 python3.11 python3 python,$(if $(shell $(name) -c \
	'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo yes),$(name))))
APP := .venv-app/bin/python
ALL := .venv/bin/python
ARGS ?=
comma := ,
BENCHMARKS := number_peers $(filter-out __init__ batch_contenders wardrobe,$(basename $(notdir $(wildcard benchmarks/*.py))))

.PHONY: help app test quick check train alexnet export cards compare bench screenshot illustrate clean
help:  ## list these targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | awk -F'|' '{printf "  make %-11s %s\n", $$1, $$2}'

app: .venv-app/ready  ## open the page on http://127.0.0.1:7860 (ARGS="--port 8000 --device cpu")
	$(APP) -m app $(ARGS)

test: .venv/ready  ## run all tests, two files at a time (ARGS="-k framing")
	$(ALL) -m pytest --numprocesses 2 --dist loadfile $(ARGS)

quick: .venv/ready  ## run what takes under 90 seconds: no browser, no network, nothing slow
	$(ALL) -m pytest --numprocesses 2 --dist loadfile -m "not slow and not browser and not network" $(ARGS)

check: .venv/ready  ## ruff and mypy
	$(ALL) -m ruff check .
	$(ALL) -m ruff format --check .
	$(ALL) -m mypy

train: .venv/ready  ## train, export and measure what is shipped but AlexNet (hours on two cores)
	PYTHON=$(CURDIR)/$(ALL) ./training/reproduce.sh

alexnet: .venv/ready  ## train AlexNet where there is no checkpoint of it, and export it whole: 187 MB a file
	PYTHON=$(CURDIR)/$(ALL) ./training/reproduce.sh alexnet

export: .venv/ready  ## export every best checkpoint of the default recipe with seed 0 (ARGS=--replace: over better ones too)
	$(ALL) -m training.export $(shell ls models/checkpoints/*/best.pt | grep -vE -- '-(tutorial|quick|seed[0-9]+)/') $(ARGS)
	$(ALL) -m training.publish.readme

cards: .venv/ready  ## exports/README.md, from what the exported files say of themselves
	$(ALL) -m training.publish.readme

compare: .venv/ready  ## the table of all networks, and docs/frontier.png
	$(ALL) -m training.compare --picture docs/frontier.png

bench: .venv/ready  ## measure what the docs say of speed, one benchmark after another (hours)
	for name in $(BENCHMARKS); do $(ALL) -m benchmarks.$$name || exit; done

screenshot: .venv/ready  ## take pictures of the page's main states for the README
	$(ALL) -m docs.screenshot

illustrate: .venv/ready  ## draw the pictures of docs/preprocessing.md
	$(ALL) -m docs.illustrate

clean:  ## remove the virtual environments
	rm -rf .venv .venv-app

.venv-app/ready: app/requirements.txt
	$(call make_venv,.venv-app,app/requirements.txt)

.venv/ready: requirements.txt app/requirements.txt app/requirements-ray.txt
	$(call make_venv,.venv,requirements.txt)

# $(1): the folder, $(2): what to install in it. Says what is missing where something is.
define make_venv
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "Inkwear needs Python 3.11 or newer$(if $(PYTHON),$(comma) and $(PYTHON) is not,; none was found). Install one$(comma) or name it: make PYTHON=/path/to/python3" >&2; exit 2; }
	@echo "Making $(1) with $$($(PYTHON) --version) …"
	@$(PYTHON) -m venv $(1) || { echo "Python's venv module is missing (Debian, Ubuntu: apt-get install python3-venv)." >&2; rm -rf $(1); exit 2; }
	@$(1)/bin/python -m pip install --quiet --disable-pip-version-check -r $(2) || { echo "Installing $(2) failed; the lines above say why. A network is needed the first time." >&2; exit 2; }
	@touch $(1)/ready
endef

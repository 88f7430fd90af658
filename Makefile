# make demo   the whole study: on the embedded phantom, or DATA=folder; OUT=folder, PRESET=quick|cpu|paper, SEED=n
# make demo-tee   the adaptation study on the esophageal phantom; takes the generator of runs/demo when it is there; OUT=folder, SEED=n
# make demo-align   the alignment study on two machines of the phantom; OUT=folder, SEED=n
# make demo-nnunet   nnU-Net beside the bundle's segmenter, in an environment of its own; OUT=folder, DATA=prepared folder, SEED=n
# make test   lint, types and tests
# make lint   lint and types alone
# make clean  remove the environments and the caches (results under runs/ stay)
#
# The first use of a new machine makes .venv and installs into it; later ones reuse it.

PYTHON ?= python3
VENV   ?= .venv
TORCH  ?= torch==2.13.0
OUT    ?= runs/demo
DATA   ?=
PRESET ?=
SEED   ?=

BIN   := $(VENV)/bin
STAMP := $(VENV)/.installed

NNUNET       := .venv-nnunet
NNUNET_STAMP := $(NNUNET)/.installed

.PHONY: demo demo-tee demo-align demo-nnunet test lint clean install
.DELETE_ON_ERROR:

demo: $(STAMP)
	$(BIN)/echosynth demo --out "$(OUT)" $(if $(DATA),--data "$(DATA)") $(if $(PRESET),--preset "$(PRESET)") $(if $(SEED),--seed "$(SEED)")

# OUT has another default here; the base is the generator of the demo where that has run.
TEE_BASE = $(wildcard runs/demo/bundles/echo_generative_diffusion)
demo-tee: OUT = runs/tee
demo-tee: $(STAMP)
	$(BIN)/echosynth demo-tee --out "$(OUT)" $(if $(TEE_BASE),--base "$(TEE_BASE)") $(if $(SEED),--seed "$(SEED)")

demo-align: OUT = runs/align
demo-align: $(STAMP)
	$(BIN)/echosynth demo-align --out "$(OUT)" $(if $(SEED),--seed "$(SEED)")

demo-nnunet: OUT = runs/nnunet
demo-nnunet: $(NNUNET_STAMP)
	$(NNUNET)/bin/echosynth demo-nnunet --out "$(OUT)" $(if $(DATA),--data "$(DATA)") $(if $(SEED),--seed "$(SEED)")

test: lint
	$(BIN)/python -m pytest --durations=15

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/mypy

install: $(STAMP)

# torch comes first and alone: asked for by another package it would be the newest CUDA build.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "echosynth: error: Python 3.11 or newer is needed, $(PYTHON) is older: make PYTHON=python3.11" >&2; exit 2; }
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$(TORCH)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev,itk]"
	touch $@

# nnU-Net asks for timm and with it for torchvision, which breaks other packages beside a CPU build of torch: without dependencies.
$(NNUNET_STAMP): pyproject.toml constraints.txt requirements-nnunet.txt
	test -x $(NNUNET)/bin/pip || $(PYTHON) -m venv $(NNUNET)
	$(NNUNET)/bin/python -m pip install --quiet --disable-pip-version-check "$(TORCH)"
	$(NNUNET)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e . -r requirements-nnunet.txt
	$(NNUNET)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps nnunetv2 dynamic-network-architectures
	touch $@

clean:
	rm -rf $(VENV) $(NNUNET) .mypy_cache .pytest_cache .ruff_cache build dist
	find monai_echosynth tests -name __pycache__ -type d -prune -exec rm -rf {} +

# make demo   the whole study: on the embedded phantom, or DATA=folder; OUT=folder, PRESET=quick|cpu|paper, SEED=n
# make demo-tee   the adaptation study on the esophageal phantom; takes the generator of runs/demo when it is there; OUT=folder, SEED=n
# make demo-align   the alignment study on two machines of the phantom; OUT=folder, SEED=n
# make demo-deploy   the MONAI Deploy applications with the bundles of runs/demo; BUNDLES=folder, CAMUS=folder, OUT=folder
# make test   lint, types and tests
# make lint   lint and types alone
# make clean  remove the environment and the caches (results under runs/ stay)
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

# MONAI Deploy installs itself into the monai package and brings Holoscan: an environment of its own.
DEPLOY_VENV  ?= .venv-deploy
DEPLOY_BIN   := $(DEPLOY_VENV)/bin
DEPLOY_STAMP := $(DEPLOY_VENV)/.installed
BUNDLES      ?= runs/demo/bundles
CAMUS        ?= $(ECHOSYNTH_CAMUS)

.PHONY: demo demo-tee demo-align demo-deploy install-deploy test lint clean install
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

demo-deploy: OUT = runs/deploy
demo-deploy: $(STAMP) $(DEPLOY_STAMP) $(BUNDLES)
	$(BIN)/echosynth demo-deploy --python $(DEPLOY_BIN)/python --bundles "$(BUNDLES)" --out "$(OUT)" \
	    $(if $(CAMUS),--camus "$(CAMUS)") $(if $(wildcard runs/camus/bundles),--camus-bundles runs/camus/bundles)

runs/demo/bundles:
	$(MAKE) demo OUT=runs/demo DATA=

install-deploy: $(DEPLOY_STAMP)

# Holoscan loads the CUDA runtime even where there is no GPU; its package is 8 MB.
$(DEPLOY_STAMP): pyproject.toml constraints-deploy.txt
	test -x $(DEPLOY_BIN)/pip || $(PYTHON) -m venv $(DEPLOY_VENV)
	$(DEPLOY_BIN)/python -m pip install --quiet --disable-pip-version-check "$(TORCH)"
	$(DEPLOY_BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints-deploy.txt \
	    -e ".[dicom]" monai-deploy-app-sdk dicom-validator
	$(DEPLOY_BIN)/python -c 'import ctypes; ctypes.CDLL("libcudart.so.13")' 2> $(DEPLOY_VENV)/cudart.log || \
	    $(DEPLOY_BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints-deploy.txt nvidia-cuda-runtime
	touch $@

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

clean:
	rm -rf $(VENV) $(DEPLOY_VENV) .mypy_cache .pytest_cache .ruff_cache build dist
	find monai_echosynth tests -name __pycache__ -type d -prune -exec rm -rf {} +

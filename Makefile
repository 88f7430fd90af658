# make demo   the whole study: on the embedded phantom, or DATA=folder; OUT=folder, PRESET=quick|cpu|paper, SEED=n
# make demo-tee   the adaptation study on the esophageal phantom; takes the generator of runs/demo when it is there; OUT=folder, SEED=n
# make study   generators compared: families, solvers, network calls; GRID=file, DATA=prepared folder, OUT=folder
# make demo-align   the alignment study on two machines of the phantom; OUT=folder, SEED=n
# make demo-nnunet   nnU-Net beside the bundle's segmenter, in an environment of its own; OUT=folder, DATA=prepared folder, SEED=n
# make demo-label   MONAI Label with the segmenter: server, client, training, all checked; takes the bundles of runs/demo when they are there;
#                   DATA=folder of CAMUS, OUT=folder
# make label-env    the environment of MONAI Label alone, .venv-label
# make demo-deploy   the MONAI Deploy applications with the bundles of runs/demo; BUNDLES=folder, CAMUS=folder, OUT=folder
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
GRID   ?=

BIN   := $(VENV)/bin
STAMP := $(VENV)/.installed

NNUNET       := .venv-nnunet
NNUNET_STAMP := $(NNUNET)/.installed

LABEL_VENV  ?= .venv-label
LABEL_BIN   := $(LABEL_VENV)/bin
LABEL_STAMP := $(LABEL_VENV)/.installed
# The example files of pydicom 3, of which MONAI Label cannot use the code.
LABEL_EXAMPLES := pydicom==3.0.2
LABEL_PIP   := $(LABEL_BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints-label.txt

# MONAI Deploy installs itself into the monai package and brings Holoscan: an environment of its own.
DEPLOY_VENV  ?= .venv-deploy
DEPLOY_BIN   := $(DEPLOY_VENV)/bin
DEPLOY_STAMP := $(DEPLOY_VENV)/.installed
BUNDLES      ?= runs/demo/bundles
CAMUS        ?= $(ECHOSYNTH_CAMUS)

.PHONY: demo study demo-tee demo-align demo-label demo-deploy demo-nnunet label-env deploy-env test lint clean install
.DELETE_ON_ERROR:

demo: $(STAMP)
	$(BIN)/echosynth demo --out "$(OUT)" $(if $(DATA),--data "$(DATA)") $(if $(PRESET),--preset "$(PRESET)") $(if $(SEED),--seed "$(SEED)")

study: OUT = runs/study
study: $(STAMP)
	$(BIN)/echosynth study --out "$(OUT)" $(if $(DATA),--data "$(DATA)") $(if $(GRID),--grid "$(GRID)")

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

# MONAI Label needs older packages than the rest, and so an environment of its own.
LABEL_SEGMENTER = $(wildcard runs/demo/bundles/echo_segmentation)
LABEL_GENERATOR = $(wildcard runs/demo/bundles/echo_generative_diffusion)
LABEL_DATA      = $(or $(DATA),$(ECHOSYNTH_CAMUS))
demo-label: OUT = runs/label
demo-label: $(LABEL_STAMP)
	$(LABEL_BIN)/echosynth demo-label --out "$(OUT)" $(if $(LABEL_SEGMENTER),--bundle "$(LABEL_SEGMENTER)") \
	    $(if $(LABEL_GENERATOR),--generator "$(LABEL_GENERATOR)") $(if $(LABEL_DATA),--data "$(LABEL_DATA)")

label-env: $(LABEL_STAMP)

demo-deploy: OUT = runs/deploy
demo-deploy: $(STAMP) $(DEPLOY_STAMP) $(BUNDLES)
	$(BIN)/echosynth demo-deploy --python $(DEPLOY_BIN)/python --bundles "$(BUNDLES)" --out "$(OUT)" \
	    $(if $(CAMUS),--camus "$(CAMUS)") $(if $(wildcard runs/camus/bundles),--camus-bundles runs/camus/bundles)

runs/demo/bundles:
	$(MAKE) demo OUT=runs/demo DATA=

deploy-env: $(DEPLOY_STAMP)

# Holoscan loads the CUDA runtime even where there is no GPU; its package is 8 MB.
$(DEPLOY_STAMP): pyproject.toml constraints-deploy.txt
	test -x $(DEPLOY_BIN)/pip || $(PYTHON) -m venv $(DEPLOY_VENV)
	$(DEPLOY_BIN)/python -m pip install --quiet --disable-pip-version-check "$(TORCH)"
	$(DEPLOY_BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints-deploy.txt \
	    -e ".[dicom]" monai-deploy-app-sdk dicom-validator
	$(DEPLOY_BIN)/python -c 'import ctypes; ctypes.CDLL("libcudart.so.13")' 2> $(DEPLOY_VENV)/cudart.log || \
	    $(DEPLOY_BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints-deploy.txt nvidia-cuda-runtime
	touch $@

# A process a core, with one thread each: twice as fast as threads, which small networks cannot use.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder --durations=15

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

# sam2, which MONAI Label asks for, is built with the torch that is there: a build of its own would fetch another one.
$(LABEL_STAMP): pyproject.toml constraints-label.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' || \
	    { echo "echosynth: error: MONAI Label needs Python 3.11 or 3.12, $(PYTHON) is another: make PYTHON=python3.11" >&2; exit 2; }
	test -x $(LABEL_BIN)/pip || $(PYTHON) -m venv $(LABEL_VENV)
	$(LABEL_PIP) "$(TORCH)" setuptools wheel
	SAM2_BUILD_CUDA=0 $(LABEL_PIP) --no-build-isolation sam2
	$(LABEL_PIP) -e ".[label]"
	$(LABEL_BIN)/python -m monai_echosynth.integrations.torchvision_cpu
	$(LABEL_BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $(LABEL_VENV)/examples $(LABEL_EXAMPLES)
	touch $@

clean:
	rm -rf $(VENV) $(NNUNET) $(LABEL_VENV) $(DEPLOY_VENV) .mypy_cache .pytest_cache .ruff_cache build dist
	find monai_echosynth tests -name __pycache__ -type d -prune -exec rm -rf {} +

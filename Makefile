# Everything sets itself up on a fresh Debian or Ubuntu with Rust and Python 3.
#   make demo   build, start the local AWS, plan, apply, outputs, a second plan with nothing to do, and the service itself behind a URL
#   make test   all tests that a change must pass
#   make app    the Circles service on :8000 with a throw-away database
#   make image  its image as an OCI archive, target/circles-app.tar
#   make test-aws        the stack's life on real AWS: costs about 2 USD, needs keys and CIRCLES_AWS_TEST=yes; ONLY=PHASE for a part of it
#   make test-aws-clean  removes what such runs left in the account, from whatever machine
SHELL := /bin/bash
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/circles-infra
# Outside the checkout: a clean build of the AWS SDKs takes ten minutes, and every checkout can share it.
export CARGO_TARGET_DIR ?= $(CACHE)/target
BIN := $(CARGO_TARGET_DIR)/debug/circles-infra
APP := $(CARGO_TARGET_DIR)/debug/circles-app
VENV := $(CACHE)/test-venv
FUZZ_VENV := $(CACHE)/fuzz-venv
IMAGE ?= target/circles-app.tar
RDS_CA ?=

.PHONY: bench bench-app bench-scale bench-state demo test test-infra test-sandbox test-loopback test-aws-sandbox test-aws test-aws-clean test-app test-verify test-up test-all app image test-image fuzz lint build build-app

build:
	cargo build --bin circles-infra

# Apart from the other, so that neither is built with the other's features.
build-app:
	cargo build -p circles-app --bin circles-app

demo: build build-app
	tools/demo.sh $(BIN) $(APP)

test: test-sandbox test-infra test-loopback test-aws-sandbox test-app test-verify test-up

$(VENV)/ready: src/sandbox/requirements.txt tests/sandbox/requirements.txt
	tools/venv.sh $(VENV) $^
	@touch $@

test-sandbox: $(VENV)/ready
	PYTHONPATH=src/sandbox $(VENV)/bin/python -m pytest -q -p no:cacheprovider tests/sandbox

# All 10 000 seeds of the simulation are only worth waiting for with the program optimised.
OPTIMISED = $(if $(CIRCLES_TEST_ALL),--config profile.dev.package.circles-infra.opt-level=1)

test-infra: $(VENV)/ready
	CIRCLES_TEST_PYTHON=$(VENV)/bin/python cargo test $(OPTIMISED) -p circles-infra

test-app: $(VENV)/ready
	CIRCLES_TEST_PYTHON=$(VENV)/bin/python app/tests/with-postgres.sh cargo test -p circles-app

# `verify` against the real service, its own process on a PostgreSQL of its own.
test-verify: $(VENV)/ready build-app
	CIRCLES_TEST_PYTHON=$(VENV)/bin/python CIRCLES_TEST_APP=$(CARGO_TARGET_DIR)/debug/circles-app app/tests/with-postgres.sh \
		cargo test $(OPTIMISED) -p circles-infra --test it verify::the_real -- --ignored

# The whole system: `sandbox up`, the service behind its proxy, and `sandbox down`.
test-up: $(VENV)/ready build build-app
	tools/postgis.sh || test -z "$$CI"
	CIRCLES_BIN=$(CARGO_TARGET_DIR)/debug $(VENV)/bin/python -m pytest -q -p no:cacheprovider tests/up

# Logins against stand-ins of their endpoints under AWS's host names, and a state in an S3 that fails.
test-loopback: $(VENV)/ready build
	CIRCLES_BIN=$(CARGO_TARGET_DIR)/debug $(VENV)/bin/python -m pytest -q -p no:cacheprovider tests/loopback

# `test-aws` whole, on the local AWS.
test-aws-sandbox: $(VENV)/ready build
	CIRCLES_BIN=$(CARGO_TARGET_DIR)/debug $(VENV)/bin/python -m pytest -q -p no:cacheprovider tests/aws

# The keys of the environment are used: eval "$$(aws configure export-credentials --format env)" puts those of a login there.
test-aws: build
	python3 tests/aws/live.py --binary $(BIN) $(addprefix --only ,$(ONLY)) $(if $(wildcard $(IMAGE)),--image $(IMAGE))

test-aws-clean: build
	python3 tests/aws/live.py --binary $(BIN) --clean

# Every kill point and every lost answer, not just a sample.
test-all: export CIRCLES_TEST_ALL = 1
test-all: test

app:
	app/try.sh

# Calls, depth, seconds, memory and size against their budgets, beside Terraform where it is installed.
bench: $(VENV)/ready
	cargo build --release -p circles-infra --bin circles-infra
	$(VENV)/bin/python tests/bench/bench.py --binary $(CARGO_TARGET_DIR)/release/circles-infra $(BENCH)

# What journal and state add to an apply.
bench-state: $(VENV)/ready
	cargo build --release -p circles-infra --bin circles-infra
	$(VENV)/bin/python tests/bench/state.py --binary $(CARGO_TARGET_DIR)/release/circles-infra

# How loading, saving and planning grow with the number of resources.
bench-scale:
	cargo run --release -p circles-infra --example scale

# The service's image as an OCI archive, without Docker. RDS_CA=FILE takes the authorities of RDS from a file instead of from AWS.
image:
	cargo build --profile service -p circles-app --bin circles-app
	app/image/build.py --binary $(CARGO_TARGET_DIR)/service/circles-app --output $(IMAGE) --rds-ca "$(RDS_CA)"

test-image: image
	app/tests/with-postgres.sh app/image/check.py $(IMAGE)

$(FUZZ_VENV)/ready: app/tests/fuzz/requirements.txt
	tools/venv.sh $(FUZZ_VENV) $^
	@touch $@

# The running service answers nothing that its document allows, or forbids, with a server error or in a way the document does not tell.
fuzz: $(FUZZ_VENV)/ready
	cargo build -p circles-app --bin circles-app
	CIRCLES_APP=$(CARGO_TARGET_DIR)/debug/circles-app SCHEMATHESIS=$(FUZZ_VENV)/bin/schemathesis app/tests/fuzz/run.sh

# The service under load, against its budgets.
bench-app:
	cargo build --profile service -p circles-app --bin circles-app
	CIRCLES_APP=$(CARGO_TARGET_DIR)/service/circles-app app/bench/run.sh

lint:
	cargo fmt --all --check
	# One at a time: together they would share features, and everything below them would be built once more.
	cargo clippy -p circles-infra --all-targets -- -D warnings
	cargo clippy -p circles-app --all-targets -- -D warnings

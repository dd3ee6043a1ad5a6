# The verbs of memoxide; `make` alone lists them. Everything that a verb needs
# is built first, and only when something it is made of has changed.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3

# Marks of finished steps; `make clean` forgets them.
done := build/done
bin := .venv/bin

rust_sources := Cargo.toml Cargo.lock core/Cargo.toml $(shell find core/src -name '*.rs')
python_sources := pyproject.toml bindings-python/Cargo.toml $(shell find bindings-python/src -name '*.rs')
python_package := bindings-python/python/memoxide
node_sources := package.json bindings-node/Cargo.toml bindings-node/build.rs bindings-node/tsconfig.json \
  $(shell find bindings-node/src bindings-node/ts -type f)

.PHONY: help
help: ## Show the verbs
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

.PHONY: setup
setup: system python node ## Install the tools and build for every language

.PHONY: system
system: ## Install memcached and the like where allowed, or say what is missing
	@PYTHON=$(PYTHON) .ci/system

.PHONY: test
test: test-rust test-python wheel-test test-foreign test-django test-peers test-node pack-test test-interop test-demo test-bench test-session-handler test-parity ## Run all tests

.PHONY: test-parity
test-parity: ## Check that all five clients ran the same scenarios
	tests/conformance/compare

.PHONY: lint
lint: lint-rust lint-python lint-node ## Run all checks that need no tests

.PHONY: demo
demo: system ## Run the main job: one cache under three languages
	examples/demo/run

.PHONY: bench
bench: bench-system wheel node ## Measure against others and write docs/performance.md
	bench/run --write $(BENCH)

.PHONY: test-bench
test-bench: $(done)/venv ## Test what the measurements conclude, without measuring
	$(bin)/pytest tests/bench

.PHONY: bench-system
bench-system: system ## Install what measurements can use besides, where allowed
	@PYTHON=$(PYTHON) .ci/system bench

.PHONY: fuzz
fuzz: ## Feed random bytes to the parsers; FUZZ_SECONDS for each, 60 by default
	fuzz/run

.PHONY: docs
docs: ## Build the reference of the Rust crate
	RUSTDOCFLAGS="-D warnings" cargo doc -p memoxide --all-features --no-deps --locked

.PHONY: clean
clean: ## Remove what the verbs made, except Rust's build cache
	rm -rf build dist .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -rf node_modules bindings-node/dist
	rm -f $(python_package)/_native.*.so bindings-node/native.*

# Rust -----------------------------------------------------------------------

.PHONY: test-rust
test-rust: ## Run the tests of the core, examples in its docs included
	cargo test -p memoxide --features msgpack,cli --locked

.PHONY: lint-rust
lint-rust: ## Check format and lints of all Rust code
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo clippy -p memoxide --all-targets --all-features --locked -- -D warnings
	cargo clippy -p memoxide --no-default-features --locked -- -D warnings

# Python ---------------------------------------------------------------------

.PHONY: python
python: $(done)/python ## Build the Python package into .venv

$(done)/venv: bindings-python/requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
	  || { echo "memoxide needs Python 3.10 or newer; choose one with PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(bin)/pip install --quiet --disable-pip-version-check -r $<
	@mkdir -p $(@D) && touch $@

$(done)/python: $(done)/venv $(rust_sources) $(python_sources)
	PIP_QUIET=1 VIRTUAL_ENV=$(CURDIR)/.venv $(bin)/maturin develop --release --quiet --locked
	@touch $@

.PHONY: test-python
test-python: $(done)/python ## Run the tests of the Python package
	$(bin)/pytest

.PHONY: lint-python
lint-python: $(done)/python $(done)/stubs ## Check format, lints and types of all Python code
	$(bin)/ruff format --check
	$(bin)/ruff check
	$(bin)/mypy
	$(bin)/python -m mypy.stubtest memoxide --mypy-config-file pyproject.toml --allowlist bindings-python/stubtest-allowlist.txt
	@diff -u $(python_package)/_native.pyi build/stubs/memoxide/_native.pyi \
	  || { echo "_native.pyi is not what the Rust code says; run make stubs" >&2; exit 1; }

# What PyO3 knows of the native module, read back from a build made for that.
$(done)/stubs: $(done)/venv $(rust_sources) $(python_sources)
	rm -rf build/stubs
	$(bin)/maturin generate-stubs --quiet --locked --profile dev --features stubs --out build/stubs
	@touch $@

.PHONY: stubs
stubs: $(done)/stubs ## Rewrite _native.pyi from the Rust code
	cp build/stubs/memoxide/_native.pyi $(python_package)/_native.pyi

$(done)/wheel: $(done)/venv $(rust_sources) $(python_sources) $(wildcard $(python_package)/*.py*)
	rm -rf build/wheel
	$(bin)/maturin build --release --quiet --locked --out build/wheel
	@touch $@

.PHONY: wheel
wheel: $(done)/wheel ## Build the Python wheel into build/wheel

.PHONY: wheel-test
wheel-test: $(done)/wheel ## Install the wheel in an empty environment and use it there
	rm -rf build/wheel-venv build/wheel-test
	$(PYTHON) -m venv build/wheel-venv
	build/wheel-venv/bin/pip install --quiet --disable-pip-version-check --no-index build/wheel/*.whl
	mkdir -p build/wheel-test && cp bindings-python/tests/smoke.py build/wheel-test/
	cd build/wheel-test && ../wheel-venv/bin/python -I smoke.py

.PHONY: test-foreign
test-foreign: $(done)/wheel ## Run the tests of python-memcached and its users, and of clients of the server
	PYTHON=$(PYTHON) bindings-python/foreign/run python-memcached cachelib Flask-Caching dogpile.cache pymemcache pylibmc python-binary-memcached

.PHONY: test-django
test-django: $(done)/wheel ## Run Django's tests of caches and sessions
	PYTHON=$(PYTHON) bindings-python/foreign/run Django

# Node -----------------------------------------------------------------------

.PHONY: node
node: $(done)/node ## Build the Node package in place

# Not `npm ci`: it insists on a lock entry for the tools of every platform, and a
# registry that mirrors one platform has no others to write down.
$(done)/node-modules: package-lock.json
	@node -e 'const [a, b] = process.versions.node.split("."); process.exit(+(a < 20 || (a == 20 && b < 19)))' \
	  || { echo "memoxide needs Node.js 20.19 or newer" >&2; exit 1; }
	npm install --no-save --silent
	@mkdir -p $(@D) && touch $@

$(done)/node: $(done)/node-modules $(rust_sources) $(node_sources)
	npm run --silent build
	@touch $@

.PHONY: test-node
test-node: $(done)/node ## Run the tests of the Node package
	npm test --silent

.PHONY: lint-node
lint-node: $(done)/node ## Check format, lints and types of all TypeScript and JavaScript
	npm run --silent lint

.PHONY: pack-test
pack-test: $(done)/node ## Install the npm tarball in an empty folder and use it there
	npm run --silent pack-test

# Clients of the server ------------------------------------------------------

$(done)/peers: tests/peers/requirements.txt tests/peers/package-lock.json
	rm -rf build/peers
	$(PYTHON) -m venv build/peers/venv
	build/peers/venv/bin/pip install --quiet --disable-pip-version-check -r $<
	mkdir -p build/peers/node && cp tests/peers/package*.json .npmrc build/peers/node/
	cd build/peers/node && npm ci --silent
	@touch $@

.PHONY: test-peers
test-peers: $(done)/python $(done)/peers ## Compare the embedded server with memcached through other clients
	$(bin)/pytest tests/peers/test_peers.py

# The examples ---------------------------------------------------------------

$(done)/demo-venv: examples/demo/requirements.txt $(done)/venv
	$(bin)/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.PHONY: demo-build
demo-build: $(done)/python $(done)/node $(done)/demo-venv ## Build what the demo and the quick starts need
	cargo build --quiet -p memoxide --example demo-audit --example quickstart --locked

.PHONY: test-session-handler
test-session-handler: $(done)/python $(done)/node ## Check that PHP, Python and Node share sessions
	$(bin)/python tests/session_handler/check.py

.PHONY: test-demo
test-demo: demo-build ## Run the demo and the quick starts, and check what they print
	$(bin)/pytest tests/examples

# Other clients --------------------------------------------------------------

live := tests/live/clients

$(done)/interop: $(done)/wheel $(live)/requirements.txt $(live)/package-lock.json
	rm -rf build/interop
	$(PYTHON) -m venv build/interop/venv
	build/interop/venv/bin/pip install --quiet --disable-pip-version-check -r $(live)/requirements.txt
	build/interop/venv/bin/pip install --quiet --disable-pip-version-check --no-index build/wheel/*.whl
	mkdir -p build/interop/node && cp $(live)/package*.json .npmrc build/interop/node/
	cd build/interop/node && npm ci --silent
	@touch $@

.PHONY: test-interop
# What .ci/system cannot install without root is skipped; where it can, it must be there.
test-interop: $(done)/interop $(done)/node ## Share real servers with other clients, twemproxy and PHP
	@if [[ -n "$${CI:-}" && $$(id -u) == 0 ]]; then export MEMOXIDE_LIVE_ALL=1; fi; \
	export MEMOXIDE_LIVE=build/interop; \
	cargo test -p memoxide --features msgpack --locked --test live -- --nocapture

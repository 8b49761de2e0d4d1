# Every target says what it does: `make help`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
LOCK   := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header

.DEFAULT_GOAL := help
.PHONY: help setup run watch check test test-windows lint format e2e fuzz oracle bench lock clean docs soak freeze packages e2e-linux e2e-kernel msi e2e-windows version pkg e2e-macos release e2e-central pictures

help: ## Show this list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/run.stamp: requirements/run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "This Python cannot make virtual environments; on Debian: apt install python3-venv" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/central.stamp: $(VENV)/run.stamp requirements/central.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/central.txt
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $(VENV)/central.stamp $@ # which has all that the endpoint needs

setup: $(VENV)/run.stamp ## Make .venv with the pinned dependencies

run: $(VENV)/central.stamp ## Watch this machine and show it: the endpoint on loopback, the agent, and the address of the device's page; Ctrl-C ends both
	@$(BIN)/mcp-compliance-central trial

watch: setup ## Watch this machine in the foreground, without an endpoint; Ctrl-C ends it
	@$(BIN)/mcp-compliance run

check: setup ## Look at this machine once
	@$(BIN)/mcp-compliance check

test: $(VENV)/dev.stamp ## Run the tests that need no network and no special rights, on all cores
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 8 --dist worksteal

lint: $(VENV)/dev.stamp ## ruff, mypy strict and the import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy packaging/release
	$(BIN)/mypy packaging/mdm
	$(BIN)/lint-imports

format: $(VENV)/dev.stamp ## Format the code and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(VENV)/e2e/e2e.stamp: requirements/e2e.txt
	$(PYTHON) -m venv $(VENV)/e2e
	$(VENV)/e2e/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/e2e.txt
	@touch $@

e2e: $(VENV)/dev.stamp $(VENV)/e2e/e2e.stamp ## Drive the real clients and real MCP servers (needs npm and the package registries)
	$(BIN)/python -m pytest -m e2e tests/e2e

ON_WINDOWS := tests/windows tests/unit/test_config.py tests/unit/store \
  $(addprefix tests/unit/host/test_,users.py own.py mounts.py database.py watch.py processes.py process_reading.py) \
  $(addprefix tests/unit/sources/test_,stores.py managed.py hints.py configs.py)
test-windows: $(VENV)/dev.stamp ## Run what concerns Windows on a Windows CPython under Wine (Debian: wine64, gcc-mingw-w64-x86-64-win32)
	tests/windows/wine.sh python -m pytest -p no:cacheprovider $(ON_WINDOWS)
	tests/windows/event_log.sh

$(VENV)/browser.stamp: requirements/browser.txt $(VENV)/dev.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/browser.txt
	@touch $@

.scratch/oidc/node_modules/oidc-provider/package.json:
	npm install --silent --no-fund --no-audit --no-package-lock --prefix .scratch/oidc oidc-provider@8.8.1

.scratch/axe/node_modules/axe-core/axe.min.js:
	npm install --silent --no-fund --no-audit --no-package-lock --prefix .scratch/axe axe-core@4.10.3

BROWSER := $(VENV)/browser.stamp .scratch/oidc/node_modules/oidc-provider/package.json .scratch/axe/node_modules/axe-core/axe.min.js
e2e-central: $(BROWSER) ## Drive the central endpoint's pages with a real browser and a real identity provider (Debian: chromium, npm)
	$(BIN)/python -m pytest -m browser tests/browser

pictures: $(BROWSER) ## Take the pictures of the README anew
	PICTURES=docs/pictures $(BIN)/python -m pytest -m browser tests/browser/test_pictures.py

.scratch/oracle/node_modules/.bin/claude:
	npm install --silent --no-fund --no-audit --no-package-lock --prefix .scratch/oracle @anthropic-ai/claude-code@2.1.332

PAIRS ?= 5000
SEED  ?= 1
oracle: $(VENV)/dev.stamp .scratch/oracle/node_modules/.bin/claude ## Ask the real Claude Code about fresh random cases (root on Linux; PAIRS=5000 SEED=1)
	$(BIN)/python -m tests.differential.oracle --client .scratch/oracle/node_modules/.bin/claude --pairs $(PAIRS) --seed $(SEED)

# `make freeze` needs a Python with a shared library, as python.org's, Debian's and pyenv's (--enable-shared) are.
FREEZE := $(VENV)/freeze/bin
$(VENV)/freeze.stamp: requirements/freeze.txt
	$(PYTHON) -m venv $(VENV)/freeze
	$(FREEZE)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/freeze.txt
	@touch $@

# The same commit, interpreter and pins give the same bytes: no time and no order of a hash gets in.
freeze: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
freeze: export PYTHONHASHSEED = 0
freeze: export PYTHONNODEBUGRANGES = 1# columns of code, for carets in tracebacks: a megabyte and more of memory
freeze: export PYINSTALLER_CONFIG_DIR = $(CURDIR)/build/cache# stripped libraries: two checkouts must not share them
freeze: $(VENV)/freeze.stamp $(VENV)/dev.stamp ## Freeze the program into dist/, with its bill of materials; red where something went missing
	$(FREEZE)/pyinstaller --noconfirm --clean --log-level ERROR --distpath dist --workpath build packaging/pyinstaller/mcp-compliance.spec
	chmod -R u=rwX,go=rX dist/mcp-compliance-agent && find dist/mcp-compliance-agent -exec touch -h -d @$(SOURCE_DATE_EPOCH) {} +
	dist/mcp-compliance-agent/mcp-compliance selfcheck
	$(FREEZE)/pyinstaller --noconfirm --clean --log-level ERROR --distpath dist --workpath build packaging/pyinstaller/mcp-compliance-osquery.spec
	$(BIN)/python -m pytest -m frozen tests/frozen
	@rm -f dist/*.deb dist/*.rpm dist/*.pkg
	$(FREEZE)/python packaging/release/sbom.py build/mcp-compliance dist/mcp-compliance-agent > dist/mcp-compliance-agent.cdx.json
	$(FREEZE)/python packaging/release/sbom.py build/mcp-compliance-osquery dist/mcp-compliance-osquery > dist/mcp-compliance-osquery.cdx.json
	$(FREEZE)/python packaging/release/sizes.py build/mcp-compliance dist/mcp-compliance-agent

VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' agent/__init__.py)
ARCH    = $(patsubst x86_64,amd64,$(patsubst aarch64,arm64,$(shell uname -m)))
packages: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
packages: freeze ## Pack the frozen program as deb and rpm into dist/
	for kind in deb rpm; do VERSION=$(VERSION) ARCH=$(ARCH) $(FREEZE)/nfpm package --config packaging/linux/nfpm.yaml --packager $$kind --target dist/; done

DEBIAN := .scratch/debian
$(DEBIAN)/base.stamp:
	@command -v debootstrap >/dev/null || { echo "make e2e-linux boots a Debian: apt install debootstrap" >&2; exit 1; }
	@test "$$(id -u)" = 0 || { echo "make e2e-linux boots a Debian, which takes root" >&2; exit 1; }
	rm -rf $(DEBIAN) && mkdir -p $(DEBIAN)
	debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,ca-certificates,iproute2,procps,rpm bookworm $(DEBIAN)/base >$(DEBIAN)/log || { tail $(DEBIAN)/log >&2; exit 1; }
	@touch $@

# The same with Python, for the central endpoint; and the wheels that it takes from there, as there is no network.
$(DEBIAN)/python.stamp: $(DEBIAN)/base.stamp
	rm -rf $(DEBIAN)/python && cp -a $(DEBIAN)/base $(DEBIAN)/python
	chroot $(DEBIAN)/python sh -ec 'export DEBIAN_FRONTEND=noninteractive; apt-get -qq update; apt-get -qq install --no-install-recommends python3-venv' >>$(DEBIAN)/log 2>&1 || { tail $(DEBIAN)/log >&2; exit 1; }
	@touch $@

GLIBCS := $(foreach version,2_17 2_28 2_34,--platform manylinux_$(version)_$(shell uname -m))
$(DEBIAN)/wheels.stamp: requirements/central.txt $(DEBIAN)/base.stamp $(VENV)/dev.stamp
	$(BIN)/uv pip compile --quiet --no-deps --python-version 3.11 --python-platform linux --generate-hashes --no-header $< -o $(DEBIAN)/central.txt
	rm -rf $(DEBIAN)/wheels
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.11 $(GLIBCS) --platform manylinux2014_$(shell uname -m) --require-hashes -r $(DEBIAN)/central.txt --dest $(DEBIAN)/wheels
	@touch $@

e2e-linux: $(VENV)/dev.stamp $(DEBIAN)/python.stamp $(DEBIAN)/wheels.stamp packages ## Install, run, upgrade and purge the packages on a booted Debian (root; debootstrap, systemd-container, shellcheck, podman, runc)
	$(BIN)/python -m pytest -m installed tests/installed

# Debian's newest kernel for machines in a cloud, which needs no further file to start from a disk.
$(DEBIAN)/vmlinuz: $(DEBIAN)/base.stamp
	cd $(DEBIAN) && rm -rf kernel && mkdir kernel && cd kernel && apt-get download -qq $$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: //p') && dpkg-deb -x *.deb .
	mv $(DEBIAN)/kernel/boot/vmlinuz-* $@ && rm -rf $(DEBIAN)/kernel && touch $@

e2e-kernel: $(VENV)/dev.stamp $(DEBIAN)/vmlinuz ## Start the packaged service under a kernel of its own, in an emulator (root; `make packages` first; Debian: qemu-system-x86)
	$(BIN)/python -m pytest -m kernel tests/installed/test_kernel.py

$(VENV)/fuzz/fuzz.stamp: requirements/run.txt requirements/fuzz.txt
	$(PYTHON) -m venv $(VENV)/fuzz
	$(VENV)/fuzz/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt -r requirements/fuzz.txt
	@touch $@

FUZZ_S ?= 60
fuzz: $(VENV)/fuzz/fuzz.stamp ## Read bytes that a coverage-guided fuzzer makes up, in place of every kind of file (Linux; FUZZ_S=60)
	$(VENV)/fuzz/bin/python -m tests.fuzz.parsers -max_total_time=$(FUZZ_S) -print_final_stats=1

WINE := tests/windows/wine.sh
msi: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
msi: export PYTHONHASHSEED = 0
msi: export PYTHONNODEBUGRANGES = 1
msi: $(VENV)/dev.stamp ## Freeze the program for Windows under Wine and make an MSI of it, for tests (Debian: wine64, gcc-mingw-w64-x86-64-win32, wixl, msitools)
	$(WINE) install requirements/freeze.txt
	$(WINE) python -m PyInstaller --noconfirm --clean --log-level ERROR --distpath dist/windows --workpath build/windows packaging/pyinstaller/mcp-compliance.spec
	$(WINE) run dist/windows/mcp-compliance-agent/mcp-compliance.exe selfcheck
	packaging/windows/msi.sh dist/windows/mcp-compliance-agent $(VERSION) dist/windows/mcp-compliance-agent-$(VERSION).msi

e2e-windows: $(VENV)/dev.stamp msi ## Install, run, upgrade and remove the MSI on a Windows as far as Wine is one
	$(BIN)/python -m pytest -m installed_windows tests/installed/test_msi.py

version:
	@echo $(VERSION)

pkg: freeze ## Make the macOS package of the frozen program (on a Mac; APPLICATION_IDENTITY, INSTALLER_IDENTITY, NOTARY_PROFILE sign it)
	packaging/macos/build-pkg.sh dist/mcp-compliance-agent $(VERSION) dist/mcp-compliance-agent-$(VERSION).pkg

e2e-macos: pkg ## Install, ask and purge the macOS package on this Mac (sudo)
	packaging/macos/try-pkg.sh dist/mcp-compliance-agent-$(VERSION).pkg
	$(BIN)/python packaging/release/passed.py dist dist/mcp-compliance-agent-$(VERSION).pkg

# What can be built on this system, and the tests that its packages must pass.
PACKAGED_Linux  := e2e-linux e2e-windows
PACKAGED_Darwin := e2e-macos
release: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
release: $(VENV)/dev.stamp ## Build, test and gather a release in dist/release; refuses where version, changelog, program and package tests disagree
	$(BIN)/python packaging/release/release.py --may
	$(MAKE) $(PACKAGED_$(shell uname -s))
	$(BIN)/python packaging/release/release.py

bench: $(VENV)/dev.stamp ## Measure; see benchmarks/README.md
	$(BIN)/python -m benchmarks

soak: $(VENV)/dev.stamp ## Live through four simulated months of outages, kills and full journals
	$(BIN)/python -m tests.sim.soak

docs: $(VENV)/dev.stamp ## Write the generated documents anew
	$(BIN)/python -m tests.faults.matrix
	$(BIN)/python -m tests.golden.figures
	$(BIN)/python -m osquery_tables.files
	$(BIN)/python packaging/mdm/mdm_files.py
	$(BIN)/mcp-compliance schema openapi > docs/openapi.json
	$(BIN)/mcp-compliance-central openapi > docs/central-openapi.json

lock: $(VENV)/dev.stamp ## Pin the dependencies anew
	$(LOCK) pyproject.toml requirements/build.in -o requirements/run.txt
	$(LOCK) --extra central pyproject.toml requirements/build.in -o requirements/central.txt
	$(LOCK) --extra central pyproject.toml requirements/build.in requirements/dev.in -o requirements/dev.txt
	$(LOCK) --constraint requirements/run.txt pyproject.toml requirements/freeze.in -o requirements/freeze.txt
	$(LOCK) requirements/e2e.in -o requirements/e2e.txt
	$(LOCK) --constraint requirements/dev.txt requirements/browser.in -o requirements/browser.txt
	$(LOCK) requirements/fuzz.in -o requirements/fuzz.txt
	$(LOCK) requirements/windows.in -o requirements/windows.txt

clean: ## Remove what the other targets made
	rm -rf $(VENV) .scratch build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

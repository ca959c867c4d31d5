# Foyer. `make help` lists the targets; ./cmd/foyer runs the stack.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# GOGC is the compiler's: see goCommand in internal/devstack.
FOYER := GOGC=400 go build -o .foyer/bin/launcher ./cmd/foyer && .foyer/bin/launcher
CACHE := $(or $(FOYER_CACHE),$(HOME)/.cache/foyer)
GOLANGCI_VERSION := v2.15.0
GOLANGCI := $(CACHE)/golangci-lint-$(GOLANGCI_VERSION)/golangci-lint
# Two packages at a time: the tests start real databases and brokers.
GOTEST := go test -p 2 -timeout 20m
# Everything that needs no whole platform.
PARTS = $(shell go list ./... | grep -v -e /tests/integration -e /tests/launch -e /tests/rolling)
# The benchmarks are a module of their own: what only they need is no dependency of the product.
BENCH := tests/bench

# npm leaves its own copy of the lock file, which tells when it last installed.
NPM_CI = (cd web && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund; })

ifeq (,$(shell command -v go))
$(error Go 1.26 or later is needed: https://go.dev/doc/install)
endif

##@ Run
.PHONY: up down status logs seed doctor install
up: ## start everything and show the addresses (PUBSUB=redis or jetstream: another broker)
	@[ -e .foyer/bin/foyer ] || echo "building the launcher; the first time takes up to a minute"
	@$(FOYER) up
down: ## stop everything
	@$(FOYER) down
status: ## state and memory of every part
	@$(FOYER) status
logs: ## follow the log of one part: make logs NAME=booking
	@$(FOYER) logs $(NAME)
seed: ## seed the catalogue again (changes nothing that exists)
	@$(FOYER) seed
doctor: ## list what this machine lacks for the stack (examples also use curl and jq)
	@$(FOYER) doctor

install: ## download and build the parts that Debian does not package, without starting them
	@$(FOYER) install

##@ Test
.PHONY: test test-unit test-web test-integration test-contract test-e2e lint fmt
test: test-unit test-web test-integration test-e2e ## all tests, the quick ones first
test-unit: install ## unit tests, and adapter tests against the real infrastructure
	@echo "== unit and adapter tests"
	@$(GOTEST) $(PARTS)
	@cd $(BENCH) && $(GOTEST) ./...
test-web: ## the web application's own tests
	@if [ -f web/package.json ]; then echo "== web unit tests"; $(NPM_CI); cd web && npm test -- --run; fi
test-integration: install ## tests of the whole platform through its public interfaces
	@echo "== whole-system tests"
	@$(GOTEST) -p 1 -count=1 -timeout 40m ./tests/launch ./tests/rolling ./tests/integration/...
test-contract: install ## schemathesis on every OpenAPI file, with the whole platform
	@$(GOTEST) -count=1 -run 'TestContract$$' ./tests/integration
test-e2e: ## user journeys in a real Chromium on the whole platform
	@if [ -f tests/e2e/package.json ]; then echo "== end-to-end tests"; tests/e2e/run; fi
lint: $(GOLANGCI) ## golangci-lint, formatting, tidy go.mod files, the web application's linter and types
	@for module in . $(BENCH); do (cd $$module && go mod tidy -diff && $(GOLANGCI) run ./...); done
	@if [ -f web/package.json ]; then $(NPM_CI); cd web && npm run --if-present lint && npm run --if-present typecheck; fi
fmt: $(GOLANGCI) ## format all Go code
	@for module in . $(BENCH); do (cd $$module && $(GOLANGCI) fmt ./...); done

$(GOLANGCI):
	@echo "building golangci-lint $(GOLANGCI_VERSION), once"
	@GOBIN=$(dir $@) GOFLAGS= go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)

##@ Generate
.PHONY: generate release-sums
release-sums: ## print the lines of tools/releases.sums for the versions in use; needs the projects' release pages
	@$(FOYER) release-sums
generate: ## generate Go servers and the web client from the OpenAPI files
	@go generate ./...
	@if [ -f web/package.json ]; then cd web && npm run --if-present generate; fi

##@ Measure
BENCHES := $(patsubst $(BENCH)/%/main.go,%,$(wildcard $(BENCH)/*/main.go))
.PHONY: $(addprefix bench-,$(BENCHES)) bench
bench: $(addprefix bench-,$(BENCHES)) ## every benchmark, one after the other
$(addprefix bench-,$(BENCHES)): bench-%: install
	@go -C $(BENCH) run ./$*

.PHONY: help
help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@for b in $(BENCHES); do echo "  make bench-$$b"; done

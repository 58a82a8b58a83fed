# The project's habits. `make help` prints them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
GO ?= go
export CGO_ENABLED ?= 0

.PHONY: help
help: ## print this list
	@awk -F':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build ./bin/maskline (static, needs only Go)
	$(GO) build -trimpath -o bin/maskline ./cmd/maskline

.PHONY: unit
unit: ## unit tests with the race detector; needs Go and a C compiler
	CGO_ENABLED=1 $(GO) test -race ./...

.PHONY: test
test: unit ## everything: lint, unit tests and the tests against foreign peers
	$(GO) vet ./...

# The project's habits. `make help` prints them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
export CGO_ENABLED ?= 0
PEERS ?= peers,long

.PHONY: help
help: ## print this list
	@awk -F':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build ./bin/maskline, one static binary; needs only Go
	$(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/maskline ./cmd/maskline

.PHONY: demo
demo: build ## build and show masked SMS and calls between simulated carriers; needs only Go
	./bin/maskline demo

.PHONY: test
test: PEERS = peers
test: lint peers unit interop ## everything: linters, unit tests, foreign peers, the demo's scenario
	./bin/maskline demo --once

.PHONY: unit
unit: ## unit tests with the race detector; needs Go and a C compiler
	CGO_ENABLED=1 $(GO) test -race ./...

.PHONY: interop
interop: build peers ## tests against foreign peers (node-smpp, Kannel, SIPp, Kamailio, baresip, linphone, dnsmasq, Postgres), those of minutes too
	MASKLINE_BINARY=$(CURDIR)/bin/maskline $(GO) test -tags $(PEERS) -p 1 -timeout 15m ./testbench/... ./numberdb/...

.PHONY: soak
soak: build ## load, kills and outages for MINUTES (default 30), counted; needs Postgres
	MASKLINE_BINARY=$(CURDIR)/bin/maskline $(GO) run ./testbench/soak -for $(or $(MINUTES),30)m

.PHONY: peers
peers: ## install the foreign peers (as root on Debian), or print the command that does
	./testbench/interop/peers.sh

.PHONY: lint
lint: bin/golangci-lint ## vet, linters, the import chart, and a build for another system
	$(GO) vet ./... && $(GO) vet -tags peers,long ./...
	GOOS=darwin $(GO) build -o /dev/null ./cmd/maskline
	bin/golangci-lint run ./...

bin/golangci-lint: tools/go.mod tools/go.sum
	$(GO) build -C tools -o ../bin/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.PHONY: fmt
fmt: bin/golangci-lint ## format the code
	bin/golangci-lint fmt ./...

.PHONY: bench
bench: ## Go benchmarks with allocations
	$(GO) test -run XXX -bench . -benchmem ./...

.PHONY: bench-smpp
bench-smpp: build ## measure SMPP with 1,000,000 bindings into docs/benchmarks.md; SCALE per cent of a full run
	MASKLINE_BINARY=$(CURDIR)/bin/maskline $(GO) run ./testbench/smppbench -scale $(or $(SCALE),100) -write docs/benchmarks.md

.PHONY: bench-sip
bench-sip: build ## measure calls with SIPp into docs/benchmarks.md; SCALE per cent of a full run
	MASKLINE_BINARY=$(CURDIR)/bin/maskline $(GO) run ./testbench/sipbench -scale $(or $(SCALE),100) -write docs/benchmarks.md

.PHONY: bench-media
bench-media: build ## measure RTP and rtpengine beside it into docs/benchmarks.md, some 10 minutes, as root; SCALE, CALLS per cent of a full run
	MASKLINE_BINARY=$(CURDIR)/bin/maskline $(GO) run ./testbench/rtpbench -scale $(or $(SCALE),100) -calls $(or $(CALLS),100) -write docs/benchmarks.md

.PHONY: bench-numberdb
bench-numberdb: ## measure the table of bindings and the making of sessions into docs/benchmarks.md; BINDINGS at most (default 10000000), SCALE per cent of a full run's times
	$(GO) run ./testbench/numberbench -scale $(or $(SCALE),100) -bindings $(or $(BINDINGS),10000000) -write docs/benchmarks.md

.PHONY: bench-api
bench-api: build ## measure sessions by the API, tenants and messages beside it into docs/benchmarks.md, on Postgres; ONLY=sessions, tenants or relay, SCALE
	MASKLINE_BINARY=$(CURDIR)/bin/maskline $(GO) run ./testbench/apibench -scale $(or $(SCALE),100) -only "$(ONLY)" -write docs/benchmarks.md

.PHONY: bench-peers
bench-peers: build ## measure Kannel and Kamailio beside it into docs/benchmarks.md; needs both, and SIPp
	MASKLINE_BINARY=$(CURDIR)/bin/maskline $(GO) run ./testbench/smppbench -peers -scale $(or $(SCALE),100) -write docs/benchmarks.md
	MASKLINE_BINARY=$(CURDIR)/bin/maskline $(GO) run ./testbench/sipbench -peers -scale $(or $(SCALE),100) -write docs/benchmarks.md

.PHONY: chaos
chaos: build ## failing carriers and a killed edge at load, for MINUTES (default 4), counted
	MASKLINE_BINARY=$(CURDIR)/bin/maskline $(GO) run ./testbench/chaos -for $(or $(MINUTES),4)m

.PHONY: fuzz
fuzz: ## run every fuzz test for FUZZTIME (default 1m) each
	./testbench/fuzz.sh $(or $(FUZZTIME),1m)

.PHONY: sim
sim: ## simulate SMPP sessions and SIP calls with SEEDS (default 10000) seeds; SEED=n replays one
	SEEDS=$(or $(SEEDS),10000) $(GO) test ./smpp ./sip -run 'TestSimulation$$|TestOrderSimulation$$|TestLongMessageSimulation$$' -count=1 -timeout 15m

.PHONY: prompts
prompts: ## speak the shipped announcements anew; needs espeak-ng and sox
	./media/prompts/make.sh

.PHONY: tidy
tidy: ## tidy go.mod; -e since a test dependency of a dependency may be out of reach
	$(GO) mod tidy -e

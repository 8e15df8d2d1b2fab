# Everything that is done to sede. `make help` lists it.

GO          ?= go
STATICCHECK ?= honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK ?= golang.org/x/vuln/cmd/govulncheck@v1.9.0
VERSION     ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
FUZZTIME    ?= 20s

# The race detector leaves out code that only computes, on memory that the caller
# hands it, and shares nothing: SQLite (C in Go's clothes) and the coders of images.
# It takes a third of the time.
UNRACED     ?= golang.org/x/image/... image/... compress/flate github.com/HugoSmits86/nativewebp github.com/srwiley/rasterx
RACE        ?= -race -gcflags=modernc.org/sqlite/lib='-race=false -d=checkptr=0' -gcflags=modernc.org/libc=-d=checkptr=0 \
               $(UNRACED:%=-gcflags=%=-race=false)

.DEFAULT_GOAL := help

.PHONY: help
help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/sede
	$(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/sede ./cmd/sede

.PHONY: run
run: build ## serve on http://localhost:8080 with SQLite in ./data and a demo organization
	bin/sede serve --demo

.PHONY: test
test: postgres test-go test-clients ## run all tests on both databases, and install what they need

.PHONY: postgres
postgres:
	@scripts/postgres

.PHONY: test-go
test-go:
	$(GO) test $(RACE) -shuffle=on -timeout 25m ./...

.PHONY: test-clients
test-clients: build
	cd test/clients && npm ci --no-audit --no-fund --loglevel=error && SEDE_BINARY=$(CURDIR)/bin/sede npm test

.PHONY: check
check: fmt-check vet staticcheck vulncheck tidy-check test ## all that must be green before a change lands

.PHONY: fmt
fmt: ## format the code
	gofmt -w $$(git ls-files '*.go')

.PHONY: fmt-check
fmt-check:
	@files=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$files" ]; then echo "gofmt would change:"; echo "$$files"; exit 1; fi

.PHONY: vet
vet:
	$(GO) vet ./...

.PHONY: staticcheck
staticcheck:
	$(GO) run $(STATICCHECK) ./...

.PHONY: vulncheck
vulncheck:
	@scripts/vulncheck $(GO) run $(GOVULNCHECK) ./...

.PHONY: tidy-check
tidy-check:
	$(GO) mod tidy -diff

.PHONY: golden
golden: ## write the golden files anew; look at the difference before committing it
	$(GO) test $$(grep -rlE --include='*_test.go' 'Bool\("update"|sedetest\.Run' internal | xargs -n1 dirname | sort -u | sed 's,^,./,') -update

.PHONY: fuzz
fuzz: ## run every fuzzer for FUZZTIME, 20s each
	@for package in $$($(GO) list ./internal/...); do \
		for name in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			echo "$$package $$name"; \
			$(GO) test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
		done; \
	done

.PHONY: bench
bench: build ## measure sede beside a hand-written server, then the benchmarks of the packages
	$(GO) run ./bench
	$(GO) test -run '^$$' -bench . -benchtime 0.3s ./internal/...

.PHONY: clean
clean: ## remove what was built; data stays
	rm -rf bin test/clients/node_modules

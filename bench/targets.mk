# Measure the gateway against floors and peers.

BENCH ?=
# The deployed form, built for this machine's processor, apart from the output of `make build`.
BENCH_ARCH := $(if $(filter arm64 aarch64,$(shell uname -m)),arm64,x86_64)
BENCH_LOG := .aws-sam/bench.log
RUN_BENCH := PYTHONPATH=functions:. $(BIN)/python -m bench

.PHONY: bench-build
bench-build: .venv-sam/sam.stamp $(VENV)/dev.stamp
	@mkdir -p .aws-sam
	@$(SAM) build --config-file "$(CURDIR)/samconfig.toml" --build-dir .aws-sam/bench \
		--parameter-overrides Architecture=$(BENCH_ARCH) >$(BENCH_LOG) 2>&1 || { cat $(BENCH_LOG) >&2; exit 1; }

.PHONY: bench
bench: $(if $(HELP),,bench-build) ## measure the gateway against floors and peers (BENCH='init warm' selects some; QUICK=1; HELP=1)
	@$(RUN_BENCH) $(if $(HELP),--help) $(if $(QUICK),--quick --dry) $(BENCH)
	@$(if $(HELP)$(QUICK),,$(MAKE) docs)

.PHONY: bench-check
bench-check: bench-build ## fail if a ratio exceeds its limit in docs/performance.json
	@$(RUN_BENCH) --check

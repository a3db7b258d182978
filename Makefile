# One verb a line of work; CI calls only these. `make help` lists them.
CARGO ?= cargo
HOST  := $(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')

.PHONY: help build static test
help: ## list the verbs
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

build: ## the command, optimised: target/release/aye
	$(CARGO) build --release --locked -p aye-cli

static: ## the command as one static file that runs in any systemd root: target/$(HOST)/release/aye
	RUSTFLAGS="-C target-feature=+crt-static -C relocation-model=static" \
		$(CARGO) build --release --locked -p aye-cli --target $(HOST)

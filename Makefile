# One verb a line of work; CI calls only `test`. `make help` lists them.
CARGO ?= cargo
HOST  := $(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')

.PHONY: help demo test bench build static check rust node docs live race
help: ## list the verbs
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

demo: ## four Node services under load, restarted one after another
	@examples/demo/run

test: ## everything, live systemd included; closes with a count
	@tests/all

bench: ## the figures, each a ratio of both sides in one run
	@bench/notify/run
	@$(CARGO) build -q --release --locked -p aye-cli
	@node bench/node/run
	@node bench/restart/gap.mjs $${CARGO_TARGET_DIR:-target}/release/aye

build: ## the command, optimised: target/release/aye
	$(CARGO) build --release --locked -p aye-cli

static: ## the command as one static file that runs in any systemd root: target/$(HOST)/release/aye
	RUSTFLAGS="-C target-feature=+crt-static -C relocation-model=static" \
		$(CARGO) build --release --locked -p aye-cli --target $(HOST)
	RUSTFLAGS="-C target-feature=+crt-static -C relocation-model=static" \
		$(CARGO) build --release --locked -p aye --example notify_options --target $(HOST)

check: ## format and lints, without a single warning
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc -q --locked --workspace --no-deps

rust: ## the Rust tests: pure, simulated, on loopback, and the binary
	$(CARGO) test --locked --workspace --no-fail-fast

node: ## the npm package on this machine's Node, on the oldest and the newest, on Bun and Deno
	$(CARGO) build -q --locked -p aye-cli
	$(CARGO) build -q --locked -p aye --example receive
	node --test --test-reporter=tap node/test/*.test.js
	node node/test/runtimes.mjs 18 26 bun deno
	node node/test/types/types.mjs

docs: ## every command of the README
	tests/readme

live: static ## the cases of tests/systemd on live systemd 252, 257 and 262
	tests/systemd/run

race: static ## 20,000 messages of short-lived senders for each version and sender: none of aye's is lost
	tests/systemd/race

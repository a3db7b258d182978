# One verb a line of work; CI calls only `test`. `make help` lists them.
CARGO ?= cargo
HOST  := $(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')

OUT   := $(or $(CARGO_TARGET_DIR),target)

# The fuzz targets' code without the fuzzer, which any toolchain builds.
FUZZ := --manifest-path fuzz/Cargo.toml --no-default-features --target-dir $(OUT)/fuzz

# The addon, for this machine's CPU and not linked: node/addon/build is for those.
ADDON := --manifest-path node/addon/Cargo.toml --target-dir $(OUT)/addon-check

.PHONY: help demo test bench build static check rust simulate page fuzz miri addon node docs guide containers strace live hosts race load vsock msrv others matrix
help: ## list the verbs
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

demo: ## four Node services under load, restarted one after another
	@examples/demo/run

test: ## everything, live systemd included; closes with a count
	@tests/all

bench: build addon ## the figures, each a ratio of both sides in one run; one table at the end
	@bench/run

STATIC := RUSTFLAGS="-C target-feature=+crt-static -C relocation-model=static" $(CARGO)

build: ## the command, optimised, one static file that runs in any systemd root: target/release/aye
	@# Static by --target, because then the flags do not reach the proc macros, which cannot be static.
	$(STATIC) build --release --locked -p aye-cli --target $(HOST)
	@# Not anew where it is the same file: it may be running, or be started at this moment.
	@mkdir -p $(OUT)/release && { [ $(OUT)/$(HOST)/release/aye -ef $(OUT)/release/aye ] || ln -f $(OUT)/$(HOST)/release/aye $(OUT)/release/aye; }

static: build ## the same, the proof that it is static, and the programs of the live cases beside it
	tests/static $(OUT)/release/aye
	$(STATIC) build --release --locked -p aye --example notify_options --example vectors --target $(HOST)

check: ## format and lints, without a single warning
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml --check
	$(CARGO) fmt --manifest-path bench/rust/Cargo.toml --check
	$(CARGO) fmt --manifest-path node/addon/Cargo.toml --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) clippy --locked $(FUZZ) --all-targets -- -D warnings
	$(CARGO) clippy --locked $(ADDON) -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc -q --locked --workspace --no-deps

rust: ## the Rust tests: pure, simulated, on loopback, and the binary
	$(CARGO) test --locked --workspace --no-fail-fast
	$(CARGO) test --locked $(FUZZ) --no-fail-fast

simulate: ## AYE_RUNS random rolling restarts on a simulated clock, 100,000 by default; AYE_SEED plays one again
	AYE_RUNS=$${AYE_RUNS:-100000} $(CARGO) test -q --locked -p aye-cli --bin aye rollout::simulation -- --nocapture

fuzz: ## each fuzz target for FUZZ_SECONDS, 600 by default; takes the nightly toolchain
	fuzz/run

# Without the properties over long texts, whose making takes minutes there; fuzz and rust have them.
miri: ## the pure modules under miri; takes the nightly toolchain with its components miri and rust-src
	PROPTEST_CASES=1 MIRIFLAGS=-Zmiri-disable-isolation \
		$(CARGO) +nightly miri test --locked -p aye --lib --target-dir $(OUT)/miri -- \
		message:: address:: environment:: verdict:: \
		--skip a_status_arrives --skip no_text_can_become --skip any_bytes_are

addon: ## the npm package's addon for each CPU: node/prebuilds; takes root
	node/addon/build

node: addon ## the npm package on this machine's Node, the oldest, the newest and those that are not like them
	$(CARGO) build -q --locked -p aye-cli
	$(CARGO) build -q --locked -p aye --example receive
	node --test --test-reporter=tap node/test/*.test.js
	node --test --test-reporter=tap node/test/sd-notify/*.test.mjs node/test/pack/*.test.mjs
	node node/test/runtimes.mjs 18 26 musl arm64 permission noaddons bun deno
	tests/podman/run

matrix: addon ## the npm package on every runtime and CPU it is for
	$(CARGO) build -q --locked -p aye-cli
	$(CARGO) build -q --locked -p aye --example receive
	node node/test/runtimes.mjs --all

others: addon ## what becomes of the other packages under npm 12: the table of node/README.md
	$(CARGO) build -q --locked -p aye-cli
	$(CARGO) build -q --locked -p aye --example receive
	node node/test/pack/table.mjs

docs: ## every command of the README
	tests/readme

guide: static ## docs/deploy.md, followed on live systemd 257; takes root
	tests/guide

live: static addon ## the cases of tests/systemd on live systemd 247, 252, 257 and 262
	tests/systemd/run

containers: static ## aye wrap in containers, through conmon, with the manager's socket mounted and with aye's own; takes root
	$(CARGO) build -q --locked -p aye --example receive
	tests/podman/wrap

strace: build addon ## aye trace against strace of the same run: real senders, every message, byte for byte
	tests/strace

page: ## the report of aye restart in a headless Chromium; pages, screenshots and PDFs are left in target/page
	tests/page/run

hosts: static ## -H and -M on two hosts with sshd; takes root
	tests/hosts/run

vsock: addon ## the vsock test, Node's part in it included, under a kernel that has the loopback
	$(STATIC) test -q --locked -p aye --test vsock --target $(HOST) \
		--config 'target.$(HOST).runner="tests/vsock/boot"' -- --loopback-required --node

msrv: ## crate aye, with std and without, by the oldest Rust it is for
	tests/msrv others matrix

race: static ## 20,000 messages of short-lived senders for each version and sender: none of aye's is lost
	tests/systemd/race

load: static ## 50,000 requests during 20 rolling restarts under live systemd 257 and 262: none fails
	tests/systemd/load

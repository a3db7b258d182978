# Debian trixie's Rust (1.85, the oldest that crate aye is for, and what the addon is built with) on this repository, which
# it sees at /srv/repo. Sourced by tests/msrv and node/addon/build, after tests/systemd/ground.bash.
# shellcheck shell=bash

# inside ROOT REPO TARGET COMMAND [ARGUMENT...]: runs it in the root, with what cargo has fetched. It writes nowhere but in
# TARGET, which it sees as /srv/target; its mounts end with it.
inside() {
	unshare --mount --pid --fork --kill-child bash -euc '
		root=$1 repo=$2 target=$3 registry=$4
		shift 4
		layers=$(mktemp -d)
		mount -t tmpfs aye "$layers"
		mkdir "$layers"/{system,registry}{,-work} "$layers/root"
		mount -t overlay -o "lowerdir=$root,upperdir=$layers/system,workdir=$layers/system-work" aye "$layers/root"
		mkdir -p "$layers"/root/srv/{repo,target,cargo/registry}
		mount --bind -o ro "$repo" "$layers/root/srv/repo"
		mount --bind "$target" "$layers/root/srv/target"
		mount -t overlay -o "lowerdir=$registry,upperdir=$layers/registry,workdir=$layers/registry-work" aye \
			"$layers/root/srv/cargo/registry"
		rmdir "$layers" 2>/dev/null || true
		exec chroot "$layers/root" env CARGO_HOME=/srv/cargo CARGO_TARGET_DIR=/srv/target \
			sh -c "cd /srv/repo && exec \"\$@\"" sh "$@"
	' bash "$1" "$2" "$3" "${CARGO_HOME:-$HOME/.cargo}/registry" "${@:4}"
}

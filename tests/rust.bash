# Debian trixie's Rust (1.85, the oldest that crate aye is for, and what the addon is built with) on this repository, which
# it sees at /srv/repo. Sourced by tests/msrv and node/addon/build, after tests/systemd/ground.bash.
# shellcheck shell=bash

# inside ROOT REPO TARGET COMMAND [ARGUMENT...]: runs it in the root, with what cargo has fetched. It writes nowhere but in
# TARGET, which it sees as /srv/target; its mounts end with it.
inside() {
	local layers status=0
	layers=$(mktemp -d)
	# shellcheck disable=SC2016 # the inner shell's words
	unshare --mount --pid --fork --kill-child bash -euc '
		layers=$1 root=$2 repo=$3 target=$4 registry=$5
		shift 5
		mount -t tmpfs aye "$layers"
		mkdir "$layers"/{system,registry}{,-work} "$layers/root"
		mount -t overlay -o "lowerdir=$root,upperdir=$layers/system,workdir=$layers/system-work" aye "$layers/root"
		mkdir -p "$layers"/root/srv/{repo,target,cargo/registry}
		mount --bind -o ro "$repo" "$layers/root/srv/repo"
		mount --bind "$target" "$layers/root/srv/target"
		mount -t overlay -o "lowerdir=$registry,upperdir=$layers/registry,workdir=$layers/registry-work" aye \
			"$layers/root/srv/cargo/registry"
		exec chroot "$layers/root" env CARGO_HOME=/srv/cargo CARGO_TARGET_DIR=/srv/target \
			sh -c "cd /srv/repo && exec \"\$@\"" sh "$@"
	' bash "$layers" "$1" "$2" "$3" "${CARGO_HOME:-$HOME/.cargo}/registry" "${@:4}" || status=$?
	rmdir "$layers"
	return "$status"
}

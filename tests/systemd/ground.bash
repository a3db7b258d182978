# The ground that the scripts here stand on: how they speak, where the cache is, which Debian release has which systemd,
# how a tool that is missing is brought, and which cgroups this host gives them. Sourced, never run.
# shellcheck shell=bash

say() { echo "# $*" >&2; }

die() {
	echo "${0##*/}: $*" >&2
	exit 1
}

usage() {
	echo "usage: tests/systemd/$*" >&2
	exit 2
}

cache() { echo "${AYE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/aye}"; }

# The versions there are, and where each comes from.
release_of() { # VERSION
	case $1 in
	247) echo bullseye ;;
	252) echo bookworm ;;
	257 | rust) echo trixie ;;
	262) echo sid ;;
	embedded) release_of "$(root_of embedded)" ;;
	*) return 1 ;;
	esac
}

# The root that a version runs in. `embedded` is no systemd: it is `aye run` in the place of it.
root_of() { # VERSION
	case $1 in
	embedded) echo 257 ;;
	*) echo "$1" ;;
	esac
}

# require TOOL PACKAGE: returns only when TOOL is there. A harness without its tools fails; it never skips.
require() {
	command -v "$1" >/dev/null && return
	((EUID == 0)) || die "$1 is missing and only root can install it: apt-get install $2"
	command -v apt-get >/dev/null || die "$1 is missing and there is no apt-get here: install $2 by this system's means"
	say "installing $2 for $1"
	apt-get install -y --no-install-recommends "$2" >&2 || {
		apt-get update >&2 && apt-get install -y --no-install-recommends "$2" >&2
	} || die "$1 is missing and apt-get install $2 failed, see above"
	command -v "$1" >/dev/null || die "installed $2, and it brought no $1: install $1 by hand"
}

# The cgroups this process is in, as folders: in the unified hierarchy and, on a host that still has it, in systemd's own.
own_groups() {
	local unified=/sys/fs/cgroup line
	[[ -e $unified/cgroup.procs ]] || unified+=/unified
	[[ -e $unified/cgroup.procs ]] || die "found no cgroup2 hierarchy at /sys/fs/cgroup: systemd cannot boot without"
	while read -r line; do
		case $line in
		0::*) echo "$unified${line#0::}" ;;
		*:name=systemd:*) echo "/sys/fs/cgroup/systemd${line#*:name=systemd:}" ;;
		esac
	done </proc/self/cgroup
}

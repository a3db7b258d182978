# The words a case is written in. Each wait is for an event and has an end: a case fails with what it awaited. A host is
# spoken to past its network (`on`), so a case knows what happened on one that is cut off.
# shellcheck shell=bash

patience=${AYE_PATIENCE:-30} # seconds that one wait may take
runs=()                      # the `aye restart`s under way, each of a process group of its own
status=                      # the exit status of the last that ended

fail() {
	echo "FAILED: $*"
	exit 1
} >&2

assert_eq() { # WHAT SEEN WANTED
	[[ $2 == "$3" ]] || fail "$1: saw '$2', wanted '$3'"
}

assert_match() { # WHAT SEEN REGEX
	[[ $2 =~ $3 ]] || fail "$1: saw '$2', wanted a match of '$3'"
}

# The units of hosts.

prepare() { # HOST: the template, and four instances of it that run
	on "$1" sh -ec '
		mkdir -p /run/web /run/systemd/system
		cp /srv/aye/hosts/units/web@.service /run/systemd/system/
		systemctl daemon-reload
		systemctl start web@1 web@2 web@3 web@4'
	on "$1" sh -c ': >/run/web/starts'
}

forget() { # HOST
	on "$1" sh -c '
		systemctl stop box.service 2>/dev/null
		systemctl kill --signal=KILL "web@*" 2>/dev/null
		systemctl stop "web@*" 2>/dev/null
		rm -rf /run/web /run/systemd/system/web@*
		systemctl daemon-reload
		systemctl reset-failed
		systemctl stop "session-*.scope" # with the connections of clients that are gone
		systemctl start ssh.service'
}

spoil() { # HOST UNIT: from now on each start of it fails
	on "$1" touch "/run/web/$2.service.spoilt"
}

gate() { # HOST UNIT: from now on each start of it waits
	on "$1" mkfifo "/run/web/$2.service.gate"
}

release() { # HOST UNIT: lets in the one that waits at the gate, and those that come later
	on "$1" timeout "$patience" sh -ec 'echo >"$1"; rm "$1"' sh "/run/web/$2.service.gate" ||
		fail "nobody came to the gate of $2 on $1 for $patience s"
}

starts() { # HOST: what was started there since the case began, in that order, in one line
	on "$1" sed -n 's/\.service$//p' /run/web/starts | paste -sd ' '
}

assert_starts() { # HOST UNIT...
	assert_eq "the starts on $1" "$(starts "$1")" "${*:2}"
}

active() { # HOST: its instances that run, in one line
	on "$1" systemctl list-units --plain --no-legend --state=active 'web@*' | awk '{ print $1 }' | sed 's/\.service$//' |
		paste -sd ' '
}

property() { # HOST UNIT NAME
	on "$1" systemctl show --property="$3" --value -- "$2"
}

await_property() { # HOST UNIT NAME VALUE
	local events listening seen until=$((SECONDS + patience))
	exec {events}< <(exec nsenter --target "${leader[$1]}" --mount --net --pid --root -- /srv/aye/tests/inside/events)
	listening=$!
	until seen=$(property "$1" "$2" "$3") && [[ $seen == "$4" ]]; do
		if ((SECONDS >= until)) || ! read -r -t $((until - SECONDS)) -u "$events"; then
			kill "$listening"
			fail "awaited $3=$4 of $2 on $1 for $patience s, last saw '$seen'"
		fi
	done
	kill "$listening" && exec {events}<&-
}

mark() { # HOST: from now on, await_journal sees only what comes after this moment
	on "$1" journalctl --sync
	cursor=$(on "$1" journalctl --quiet --lines=1 --output=cat --show-cursor | sed -n 's/^-- cursor: //p')
}

await_journal() { # HOST REGEX
	local lines seen
	exec {lines}< <(exec nsenter --target "${leader[$1]}" --mount --pid --root -- journalctl --quiet --output=cat \
		--after-cursor="$cursor" --lines=all --follow)
	seen=$(timeout "$patience" grep --max-count=1 -E -- "$2" <&"$lines" | wc -l) || true
	kill "$!" && exec {lines}<&-
	((seen == 1)) || fail "awaited a journal line '$2' on $1 for $patience s"
}

# The cables.

cut_off() { # HOST: from now on its packets vanish, both ways, and no end hears of it
	ip link set "to-$1" master void
}

mend() { # HOST
	ip link set "to-$1" master bridge
}

# The client is in another network from now on: its old connections are silent at both ends, and no end hears of it.
move_away() {
	live_at 10.97.0.2
}

move_back() {
	[[ $(ip -brief -4 address show dev bridge) == *10.97.0.1/24* ]] || live_at 10.97.0.1
}

live_at() { # ADDRESS
	ip address flush dev bridge
	ip address add "$1/24" dev bridge
}

# Runs of aye. Their events are in the file `events`, what they say to people in `said`; a run gets a process group of its
# own, as a shell with a terminal gives it one.

begin() { # ARGUMENT...: in the background
	: >events
	: >said
	set -m
	"$folder/aye" restart --json --progress=plain "$@" >>events 2>>said </dev/null &
	set +m
	run=$!
	runs+=("$run")
}

finish() {
	local until=$((SECONDS + ${1:-$patience}))
	timeout "${1:-$patience}" tail --pid="$run" --sleep-interval=0.05 --follow /dev/null || {
		told
		fail "awaited the end of aye for ${1:-$patience} s"
	}
	status=0
	wait "$run" || status=$?
	runs=()
}

restart() { # ARGUMENT...: to its end
	begin "$@"
	finish
}

end_runs() {
	local run
	for run in "${runs[@]}"; do kill -KILL -- "-$run" 2>/dev/null || true; done
}

told() {
	echo "what aye said:"
	sed 's/^/  /' said
	echo "its events:"
	sed 's/^/  /' events
}

assert_status() { # STATUS
	((status == $1)) && return
	told
	fail "aye ended with $status, wanted $1"
}

assert_said() { # REGEX, of grep
	grep -qE -- "$1" said && return
	told
	fail "aye did not say '$1'"
}

await_line() { # FILE REGEX COUNT
	local lines seen
	exec {lines}< <(exec tail --lines=+1 --follow --sleep-interval=0.05 "$1" 2>/dev/null)
	seen=$(timeout "$patience" grep --max-count="$3" -E -- "$2" <&"$lines" | wc -l) || true
	kill "$!" && exec {lines}<&-
	((seen == $3)) || {
		told
		fail "awaited $3 lines '$2' in $1 for $patience s, saw $seen"
	}
}

await_event() { # EVENT HOST UNIT
	await_line events "\"event\":\"$1\".*\"host\":\"$2\".*\"unit\":\"$3\.service\"" 1
}

await_said() { # REGEX
	await_line said "$1" 1
}

# The process that is aye's ssh to the manager of the host.
link_to() { # HOST
	pgrep --parent "$run" --full -- "^ssh .*[ @]$1 .*systemd-stdio-bridge" || {
		told
		fail "found no ssh to $1 below aye"
	}
}

# Until the link is down: that ssh has given up.
await_unlinked() { # PID
	timeout 90 tail --pid="$1" --sleep-interval=0.05 --follow /dev/null || fail "ssh, pid $1, held on for 90 s"
}

# What became of each unit and of the whole: a line for each event of those names, `event host unit`.
events_of() { # EVENT...
	node -e '
		const { readFileSync } = require("node:fs")
		const wanted = process.argv.slice(1)
		for (const line of readFileSync("events", "utf8").trim().split("\n")) {
			const { event, host, unit } = JSON.parse(line)
			if (wanted.includes(event)) console.log([event, host, unit?.replace(/\.service$/, "")].filter(Boolean).join(" "))
		}
	' "$@"
}

# The value of JavaScript over `events`, an array, and `last`, the summary.
ask() { # CODE
	node -e '
		const { readFileSync } = require("node:fs")
		const events = readFileSync("events", "utf8").trim().split("\n").map((line) => JSON.parse(line))
		const last = events.at(-1)
		const value = eval(process.argv[1])
		console.log(typeof value === "string" ? value : JSON.stringify(value))
	' "$1"
}

assert_ask() { # CODE WANTED
	assert_eq "$1" "$(ask "$1")" "$2"
}

# Each of these runs is over with a summary, the last line, and only one.
assert_summary() { # READY FAILED IN-FLIGHT NOT-ATTEMPTED: how many
	assert_ask 'events.filter(({ event }) => event === "summary").length' 1
	assert_ask '[last.ok, last.failed, last.in_flight, last.not_attempted].map((list) => list.length).join(" ")' "$*"
}

# A machine inside a host: the root of the last host, which all have at /srv/box.

open_box() { # HOST
	on "$1" systemd-run --quiet --unit=box --property=Type=notify --property=KillMode=mixed --property=Delegate=yes \
		systemd-nspawn --quiet --boot --notify-ready=yes --keep-unit --volatile=overlay --directory=/srv/box --machine=box \
		--private-network --console=pipe --bind-ro=/srv/aye/tests --bind-ro=/srv/aye/hosts
	in_box "$1" sh -ec '
		mkdir -p /run/web /run/systemd/system
		cp /srv/aye/hosts/units/web@.service /run/systemd/system/
		systemctl daemon-reload
		systemctl start web@1 web@2 web@3
		: >/run/web/starts'
}

in_box() { # HOST COMMAND...
	local inner
	inner=$(on "$1" machinectl show --property=Leader --value box)
	on "$1" nsenter --target "$inner" --all -- "${@:2}"
}

starts_in_box() { # HOST
	in_box "$1" sed 's/\.service$//' /run/web/starts | paste -sd ' '
}

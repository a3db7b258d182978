# The words in which the traps of `aye check` are told, beside words.bash. Each rule has a file `try` beside its examples, with
# two functions, `fails` and `passes`: what live systemd makes of either unit. The units run as they stand in the
# examples, but for their names, folders and ports, so that all can run at once; `fails_also` and `passes_also` are
# settings in a drop-in that make the wait short or the program slow.
# shellcheck shell=bash disable=SC2154 # words.bash and case set them

examples=/srv/aye/traps
limit=12 # how many rules are tried at once

# A request that hangs is a trap, too: it has an end here, as all waits have.
systemctl() {
	timeout "$patience" /usr/bin/systemctl "$@"
}

provide() { # PATH [NAME]
	local link=/usr/bin/${2-${1##*/}}
	[[ ! -e $link ]] || return 0
	ln -s "$1" "$link"
	provided+=("$link")
}
provided=()

# Makes the programs of the examples be where they are on a host, until the case ends, and the user that some units have.
provide_programs() {
	trap 'rm -f "${provided[@]}"' EXIT
	provide /usr/local/bin/node
	provide /usr/local/bin/aye
	provide /usr/local/lib/node_modules/npm/bin/npm-cli.js npm
	id web >/dev/null 2>&1 || useradd --system web
}

# What is the rule's, and of which of its examples: for the functions of `try`.
turn_to() { # RULE NUMBER KIND
	rule=$1 kind=$3
	unit=$rule-$kind.service place=/srv/traps/$rule-$kind
	port=$((3100 + 2 * $2)) gate=$place/gate
	[[ $kind == fails ]] || port=$((port + 1))
	# What `aye check` cannot know of the program, `try` writes into the program's place.
	# shellcheck source=/dev/null
	. "$examples/$rule/try"
}

# Puts one example in its place and hands its unit to the manager.
lay() { # RULE NUMBER KIND
	local source also fails_also passes_also
	# shellcheck disable=SC2034 # read by name
	fails_also='' passes_also=''
	turn_to "$@"
	mkdir -p "$place/node_modules"
	cp -r "$examples/$rule/$kind/." "$place"
	ln -s /srv/aye/node "$place/node_modules/aye"
	mkfifo "$gate"
	source=$(echo "$place"/*.service)
	[[ $source != *@.service ]] || unit=$rule-$kind@.service
	sed -i "s|/srv/web|$place|g; s|web\.service|$unit|g; s|3000|$port|g" "$place"/*.service
	[[ ! -e $place/server.js ]] || sed -i "s|3000|$port|g" "$place/server.js"
	cp "$source" "/run/systemd/system/$unit"
	also=${kind}_also
	[[ -n ${!also} ]] || return 0
	mkdir "/run/systemd/system/$unit.d"
	printf '[Service]\n%s\n' "${!also}" >"/run/systemd/system/$unit.d/also.conf"
}

# Units that were stopped are to be remembered with what they came to.
remember() { # RULE...
	local passes=("${@/%/-passes.service}")
	printf '%s\n' '[Unit]' "After=${*/%/-fails.service} ${passes[*]}" '[Service]' 'ExecStart=/bin/sleep infinity' \
		>/run/systemd/system/aye-keep.service
}

try_one() { # RULE NUMBER
	local kind
	for kind in fails passes; do
		(turn_to "$1" "$2" "$kind" && "$kind") || return
		systemctl stop --no-block "$1-$kind*"
	done
}

# Tries the rules, several at once, and fails with the words of those that were not as they say.
try_rules() { # RULE...
	local number=0 rule kind
	provide_programs
	for rule; do
		number=$((number + 1))
		for kind in fails passes; do (lay "$rule" "$number" "$kind"); done
	done
	remember "$@"
	log_messages
	systemctl daemon-reload
	systemctl start aye-keep.service
	number=0
	for rule; do
		number=$((number + 1))
		while (($(jobs -rp | wc -l) >= limit)); do wait -n || true; done
		{ try_one "$rule" "$number" && : >"$TMPDIR/$rule.held"; } > >(sed "s/^/$rule: /" >&2) 2>&1 &
		trying+=("$!")
	done
	wait "${trying[@]}" || true
	for rule; do
		[[ -e $TMPDIR/$rule.held ]] || broken+=("$rule")
	done
	((${#broken[@]} == 0)) || fail "not as the rule says: ${broken[*]}"
}
trying=() broken=()

# What PID 1 logged of the unit, and what the unit wrote.
await_log() { # REGEX
	await_journal "^$unit: $1"
}

await_output() { # REGEX
	local deadline=$((SECONDS + patience)) output
	exec {output}< <(exec journalctl --quiet --output=cat --after-cursor="$cursor" --lines=all --follow --unit="$unit")
	timeout "$patience" grep --quiet --extended-regexp -- "$1" <&"$output" ||
		fail "awaited output of $unit that matches '$1' for $((SECONDS - deadline + patience)) s"
	kill "$!" && exec {output}<&-
}

comes_up() {
	systemctl start "$unit" || fail "$unit did not start: $(property "$unit" Result), $(journal --unit="$unit" | tail -n 5)"
	assert_eq "state of $unit" "$(property "$unit" ActiveState)" active
}

does_not_start() { # RESULT
	if systemctl start "$unit" 2>/dev/null; then fail "$unit started"; fi
	assert_eq "result of $unit" "$(property "$unit" Result)" "$1"
}

times_out() {
	does_not_start timeout
}

# PID 1 read a message of the unit and did not take it, because it takes those of that process alone.
refused() {
	await_log 'Got notification message from PID [0-9]+.*, but reception only permitted for main PID [0-9]+'
}

# ... stops, and comes to this.
stops() { # STATE RESULT
	systemctl stop "$unit"
	assert_eq "what $unit came to" "$(property "$unit" ActiveState)/$(property "$unit" Result)" "$1/$2"
}

# Lets a program go on that waits at its gate.
open_gate() {
	# shellcheck disable=SC2016 # the inner shell's word
	timeout "$patience" bash -c ': >"$1"' bash "$gate" || fail "nobody waited at $gate"
}

main_process() {
	property "$unit" MainPID
}

environment_of_main() { # NAME
	tr '\0' '\n' <"/proc/$(main_process)/environ" | sed -n "s/^$1=//p"
}

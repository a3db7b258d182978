# The words a case is written in. Each wait is for an event and has an end: a case fails with what it awaited and what
# it saw last. Nothing here knows more of the service manager than systemctl, the journal and the private socket.
# shellcheck shell=bash

patience=${AYE_PATIENCE:-20} # seconds that one wait may take
through=()                   # the command before `aye restart`, if there is one

fail() {
	echo "FAILED: $*" >&2
	[[ ! -e $TMPDIR/text ]] || echo "The last aye restart had written:" "$(cat "$TMPDIR/text" "$TMPDIR/events")" >&2
	exit 1
}

assert_eq() { # WHAT SEEN WANTED
	[[ $2 == "$3" ]] || fail "$1: saw '$2', wanted '$3'"
}

assert_match() { # WHAT SEEN REGEX
	[[ $2 =~ $3 ]] || fail "$1: saw '$2', wanted a match of '$3'"
}

assert_less() { # WHAT SMALLER GREATER, whole numbers
	(($2 < $3)) || fail "$1: $2 is not less than $3"
}

property() { # UNIT NAME
	systemctl show --property="$2" --value -- "$1"
}

# A line that is shown with the verdict, also of a case that passes: a figure is nothing to assert, and is to be seen.
tell() { # LINE
	echo "$1" >>"/srv/aye/out/$subject.told"
}

# From here on the manager remembers these units when they are down, as if others depended on them.
keep_loaded() { # UNIT...
	printf '%s\n' '[Unit]' "After=${*##*/}" '[Service]' 'ExecStart=/bin/sleep infinity' >/run/systemd/system/aye-keep.service
	systemctl daemon-reload
	systemctl start aye-keep.service
}

# What a unit came to, in a line: its states and, of PROPERTY, what there is to say of it.
show_unit() { # UNIT PROPERTY...
	local name value line
	line="$1: $(property "$1" ActiveState)/$(property "$1" SubState)"
	for name in "${@:2}"; do
		value=$(property "$1" "$name")
		[[ $name == @(MainPID|ControlPID) && $value != 0 ]] && value=some
		line+=" $name=$value"
	done
	echo "$line"
}

# Runs a command and says what came of it: what it wrote, without advice and without what differs from run to run, and
# its exit status. systemctl's words are its own and differ from version to version; what they follow from does not.
attempt() { # COMMAND...
	local status=0 said
	said=$(mktemp)
	"$@" >"$said" 2>&1 || status=$?
	echo "\$ $* -> $status"
	sed -e '/^See /d; /^Hint: /d' -e 's/^/  /' "$said"
}

systemd_version() {
	systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p'
}

# From here on, await_journal and journal see only what comes after this moment.
mark() {
	journalctl --sync
	cursor=$(journalctl --quiet --lines=1 --output=cat --show-cursor | sed -n 's/^-- cursor: //p')
}

journal() { # [journalctl's options]: the message texts since the mark
	journalctl --quiet --output=cat --after-cursor="$cursor" "$@"
}

await_journal() { # REGEX [COUNT]: until COUNT lines since the mark match
	local regex=$1 count=${2:-1} journal seen
	exec {journal}< <(exec journalctl --quiet --output=cat --after-cursor="$cursor" --lines=all --follow)
	seen=$(timeout "$patience" grep --max-count="$count" --extended-regexp -- "$regex" <&"$journal" | wc -l) || true
	kill "$!" && exec {journal}<&-
	((seen == count)) || fail "awaited $count journal lines that match '$regex' for $patience s, saw $seen"
}

# From here on PID 1 logs each notify message it receives and each change of state, until the case ends.
log_messages() {
	systemctl log-level debug
}

# Until PID 1 has logged COUNT messages from the unit with an assignment that matches. 257 changed the line's brackets.
await_message() { # UNIT REGEX [COUNT]
	await_journal "^$1: Got notification message from PID [0-9]+( \(|: )(.*, )?($2)([,)]|\$)" "${3:-1}"
}

await_property() { # UNIT NAME PATTERN: until the property matches the shell pattern
	await_answer "$2 of $1" "$3" property "$1" "$2"
}

await_job() { # UNIT KIND: until such a job is under way
	await_answer "job of $1" "$2" job_of "$1"
}

job_of() { # UNIT
	systemctl list-jobs --plain --no-legend | awk -v unit="$1" '$2 == unit { print $3 }'
}

await_answer() { # WHAT PATTERN COMMAND...: until what it prints matches the shell pattern
	local what=$1 pattern=$2 events listening seen until=$((SECONDS + patience))
	exec {events}< <(exec /srv/aye/tests/inside/events)
	listening=$!
	while seen=$("${@:3}"); do
		# shellcheck disable=SC2053 # the right side is a pattern
		[[ $seen == $pattern ]] && break
		if ((SECONDS >= until)) || ! read -r -t $((until - SECONDS)) -u "$events"; then
			kill "$listening"
			fail "awaited $what=$pattern for $patience s, last saw '$seen'"
		fi
	done
	kill "$listening" && exec {events}<&-
}

await_gone() { # PID: until there is no such process, which need be no child
	timeout "$patience" tail --pid="$1" --sleep-interval=0.05 --follow /dev/null ||
		fail "awaited the end of process $1 ($(cat "/proc/$1/comm")) for $patience s"
}

# Until the manager has read the messages that were sent to it before: one that waits for its barrier comes after them.
settle() {
	NOTIFY_SOCKET=/run/systemd/notify aye notify X_SETTLED=1
}

# Makes units known to the manager for the length of this case: files and drop-in folders.
install_units() { # PATH...
	cp -r -- "$@" /run/systemd/system/
	systemctl daemon-reload
}

# The example service. Before 253 systemd knows no OpenFile=, and `aye wrap` takes its place.
install_example() {
	local example=/srv/aye/examples/node-http
	systemctl --quiet --runtime link "$example/web@.service" "$example/web.socket"
	(($(systemd_version) >= 253)) || install_units /srv/aye/tests/inside/before-openfile/*
}

# Requests the path from the service, and prints the body.
request() { # PATH
	local address
	address=$(property web.socket Listen)
	# shellcheck disable=SC2016 # the text is JavaScript
	timeout "$patience" node -e '
		fetch(`http://${process.argv[1]}`)
			.then((answer) => answer.text())
			.then((body) => console.log(body.trim()))
	' "${address%% *}$1"
}

# aye's JSON events from stdin: each event with its unit and place, but for status, of which there may be any number.
event_names() {
	# shellcheck disable=SC2016 # the text is JavaScript
	node -e '
		for (const line of require("node:fs").readFileSync(0, "utf8").trim().split("\n")) {
			const { event, unit, index, total } = JSON.parse(line)
			if (event !== "status") console.log(unit ? `${event} ${unit} ${index}/${total}` : event)
		}
	'
}

# Named fields of the events of one name, from stdin: a line each, as JSON.
event_fields() { # EVENT FIELD...
	node -e '
		const [event, ...fields] = process.argv.slice(1)
		for (const line of require("node:fs").readFileSync(0, "utf8").trim().split("\n")) {
			const found = JSON.parse(line)
			if (found.event !== event) continue
			for (const field of fields) console.log(field, JSON.stringify(found[field]))
		}
	' "$@"
}

# Makes a fifo for each instance of the program `asked`, from which it takes what it is asked.
prepare_asked() { # INSTANCE...
	local instance
	for instance; do mkfifo "$TMPDIR/$instance"; done
	asked=0
}

# Asks the service for the value of JavaScript, and awaits that it logs one that matches the extended regular expression.
ask() { # INSTANCE CODE REGEX
	asked=$((asked + 1))
	echo "$asked $2" >"$TMPDIR/$1"
	await_journal "^$asked: ($3)\$"
}

# The units member@INSTANCE.service, whose start a case can steer; see there.
install_members() {
	install_units /srv/aye/tests/inside/units/member@.service
}

start_members() { # INSTANCE...
	systemctl start "${@/#/member@}"
}

# From here on the member's starts wait, until it is let go.
hold() { # INSTANCE...
	local instance
	for instance; do : >"$TMPDIR/holds-$instance"; done
}

# Until the member is up to its waiting.
await_held() { # INSTANCE...
	local instance
	for instance; do await_property "member@$instance.service" StatusText holds; done
}

# Lets the start go that waits, and later ones of the same member.
let_go() { # INSTANCE...
	local instance
	for instance; do
		await_held "$instance"
		rm -f "$TMPDIR/holds-$instance"
		poke "member@$instance.service" USR1
	done
}

poke() { # UNIT SIGNAL: to its main process
	local main
	main=$(property "$1" MainPID)
	((main > 1)) || fail "wanted to send SIG$2 to $1, which has no main process and is $(property "$1" SubState)"
	kill "-$2" "$main"
}

# The member, which is up, ends with 4 of itself.
let_die() { # INSTANCE
	poke "member@$1.service" USR2
	await_property "member@$1.service" ActiveState failed
}

forget_starts() {
	: >"$TMPDIR/starts"
}

# How often members were started since forget_starts, in order of their first start: 1x1 2x1.
starts() {
	awk '!count[$1]++ { order[++n] = $1 } END { for (i = 1; i <= n; i++) print order[i] "x" count[order[i]] }' "$TMPDIR/starts" |
		xargs
}

# Runs aye restart with these arguments and has it end with STATUS. What it told is in $TMPDIR/events and, as `story` tells it,
# in $TMPDIR/story, what people see in $TMPDIR/text. ${through[@]}, if set, is a command before it.
restart() { # STATUS ARGUMENT...
	begin_restart "${@:2}"
	end_restart "$1"
}

begin_restart() { # ARGUMENT...
	# Before it runs, so that nobody awaits what an earlier run told.
	: >"$TMPDIR/events"
	: >"$TMPDIR/text"
	"${through[@]}" aye restart --json --progress plain "$@" >"$TMPDIR/events" 2>"$TMPDIR/text" &
	restarting=$!
}

end_restart() { # STATUS
	local status=0
	await_gone "$restarting"
	wait "$restarting" || status=$?
	[[ $status == "$1" ]] || fail "aye restart ended with $status, wanted $1"
	/srv/aye/tests/inside/programs/story "$TMPDIR/events" "$1" >"$TMPDIR/story" ||
		fail "the events are not of the shape that they should have"
}

# What the run told so far of the events of that name: the unit of each.
told() { # EVENT
	sed -n "s/.*\"event\":\"$1\".*\"unit\":\"\([^\"]*\)\.service\".*/\1/p" "$TMPDIR/events" | xargs
}

await_text() { # FILE REGEX: until the file, which grows, matches Perl's regular expression; a row of a terminal ends no line
	local written following
	: >>"$1"
	exec {written}< <(exec tail --bytes=+1 --follow --sleep-interval=0.1 "$1")
	following=$!
	# shellcheck disable=SC2016 # the text is Perl
	timeout "$patience" perl -e '
		my $seen = "";
		while (sysread STDIN, $seen, 65536, length $seen) { exit 0 if $seen =~ /$ARGV[0]/m }
		exit 1
	' -- "$2" <&"$written" || fail "awaited a match of '$2' for $patience s in $1, which has:" "$(cat "$1")"
	kill "$following" && exec {written}<&-
}

await_told() { # EVENT [INSTANCE]: until the run tells that, of the member if one is named
	await_text "$TMPDIR/events" "\"event\":\"$1\".*${2:+\"unit\":\"member@$2\.service\"}"
}

# When the run told that, by its own stamp, in microseconds.
stamp() { # EVENT UNIT
	sed -n "s/.*\"ts\":\([0-9]*\),\"event\":\"$1\".*\"unit\":\"$2\.service\".*/\1/p" "$TMPDIR/events"
}

# Traces a unit of the program `speaker`, with its events in $TMPDIR/events; begun is begun when it has said that it is ready.
begin_trace() { # UNIT
	: >"$TMPDIR/events"
	: >"$TMPDIR/text"
	aye trace --json "$1" >"$TMPDIR/events" 2>"$TMPDIR/text" &
	tracing=$!
}

await_traced() { # UNIT
	await_text "$TMPDIR/events" 'READY=1'
	await_property "$1.service" SubState running
}

end_trace() { # SIGNAL STATUS
	local status=0
	kill "-$1" "$tracing"
	await_gone "$tracing"
	wait "$tracing" || status=$?
	assert_eq "exit status of the trace" "$status" "$2"
}

# Has the speaker say something by a signal, and awaits that the manager has it. Its words are counted by `count`.
say() { # UNIT SIGNAL WORD
	count=$((count + 1))
	poke "$1.service" "$2"
	await_property "$1.service" StatusText "$3 $count"
}

# Nothing of a trace is left at the unit.
untouched() { # UNIT
	[[ ! -e /run/systemd/system/$1.service.d ]] || fail "a drop-in is left: $(ls "/run/systemd/system/$1.service.d")"
	assert_eq "NeedDaemonReload of $1" "$(property "$1.service" NeedDaemonReload)" no
}

# Words of the cases in which `aye wrap` speaks for a program that knows nothing of the protocol.
# shellcheck shell=bash

# The process that aye stays beside.
wrapped() { # UNIT
	local main children
	main=$(property "$1" MainPID)
	read -ra children <"/proc/$main/task/$main/children"
	((${#children[@]} > 0)) || fail "aye, process $main of $1, has no child"
	echo "${children[0]}"
}

# Asks once, at once, with nothing that would have to be started first.
get() { # PORT PATH: prints the line with the status
	local connection line
	exec {connection}<>"/dev/tcp/127.0.0.1/$1" || return
	printf 'GET %s HTTP/1.0\r\n\r\n' "$2" >&"$connection"
	IFS= read -r -t 10 line <&"$connection" || line=nothing
	exec {connection}>&-
	echo "${line%$'\r'}"
}

# Many times over: when the start job has ended, the first request succeeds. $AYE_STARTS says how many times.
start_many() { # UNIT COMMAND...: COMMAND fails when the request does
	local unit=$1 times=${AYE_STARTS:-6} round
	for ((round = 1; round <= times; round++)); do
		systemctl start "$unit"
		"${@:2}" || fail "start $round of $unit: ready, and the first request failed"
		((round > 1)) || assert_eq "main process" "$(cat "/proc/$(property "$unit" MainPID)/comm")" aye
		systemctl stop "$unit"
		assert_eq "how it ended, start $round" "$(property "$unit" Result)" success
	done
}

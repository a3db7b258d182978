# What words.bash says otherwise when `aye run` is the manager: its units are in a folder of their own and are read when
# they are first asked for, and its log is a file.
# shellcheck shell=bash

install_units() { # PATH...
	cp -r -- "$@" /run/units/
}

install_example() {
	ln -s /srv/aye/examples/node-http/{web@.service,web.socket} /run/units/
}

# It remembers units of itself.
keep_loaded() {
	:
}

# Each service has a socket of its own.
settle() {
	local socket
	for socket in /run/notify/*; do NOTIFY_SOCKET=$socket aye notify X_SETTLED=1; done
}

mark() {
	marked=$(($(wc -l </run/aye.log) + 1))
}

journal() {
	tail -n "+$marked" /run/aye.log
}

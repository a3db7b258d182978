#!/bin/bash
# Says when it is ready, stores a descriptor, sends heartbeats, and stops when it is asked to.
trap 'exit 0' TERM
systemd-notify --ready
exec {state}<>/run/web.state
systemd-notify --fd="$state" --fdname=state FDSTORE=1
while :; do
	systemd-notify WATCHDOG=1
	sleep 0.2 &
	wait $!
done

#!/bin/bash
# Says when it is ready, sends heartbeats, and needs three seconds to stop, in which its children are not asked to stop, too.
trap 'trap "" TERM; sleep 3; exit 0' TERM
systemd-notify --ready
while :; do
	systemd-notify WATCHDOG=1
	sleep 0.2 &
	wait $!
done

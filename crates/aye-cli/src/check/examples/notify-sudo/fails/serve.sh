#!/bin/bash
# Says when it is ready, sends heartbeats, and stops when it is asked to.
trap 'exit 0' TERM
systemd-notify --ready
while :; do
	systemd-notify WATCHDOG=1
	sleep 0.2 &
	wait $!
done

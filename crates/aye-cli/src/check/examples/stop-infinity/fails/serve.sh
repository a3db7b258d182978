#!/bin/bash
# Says when it is ready, sends heartbeats, and never stops.
trap '' TERM
systemd-notify --ready
while :; do
	systemd-notify WATCHDOG=1
	sleep 0.2 &
	wait $!
done

#!/bin/bash
# Needs two seconds before it is ready.
trap 'exit 0' TERM
sleep 2
systemd-notify --ready
while :; do
	systemd-notify WATCHDOG=1
	sleep 0.2 &
	wait $!
done

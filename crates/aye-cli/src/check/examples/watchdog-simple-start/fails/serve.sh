#!/bin/bash
# Needs two seconds before it can send a heartbeat.
trap 'exit 0' TERM
sleep 2
while :; do
	systemd-notify WATCHDOG=1
	sleep 0.2 &
	wait $!
done

#!/bin/bash
# Says when it is ready, and nothing after that.
trap 'exit 0' TERM
systemd-notify --ready
while :; do
	sleep 1 &
	wait $!
done

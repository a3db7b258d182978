# The program of the containers: it says that it is up and, when it is let through the gate, that it is ready; and then, as
# long as it runs, that it is alive.
trap 'exit 0' TERM
aye notify --status="user $(id -u) in the container"
read -r _ <"/gate/$1"
aye notify --ready
while aye notify WATCHDOG=1; do
	sleep 0.3 &
	wait "$!"
done

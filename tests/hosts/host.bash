# One host: a root with sshd under an overlay in memory, booted by systemd-nspawn, one cable to the bridge. Sourced by
# `lane`, in whose namespaces all of it is.
# shellcheck shell=bash

boot_patience=60 # seconds from power-on to the end of the boot
noise=(console-getty getty.target systemd-networkd systemd-networkd.socket systemd-networkd-wait-online systemd-resolved
	systemd-timesyncd apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap
	fstrim.timer systemd-pcrlock-make-policy)
declare -A leader=() # the PID 1 of each host, as a pid of this namespace

address() { # HOST: by its place in $hosts
	local place=11 host
	for host in "${hosts[@]}"; do
		[[ $host == "$1" ]] && echo "10.97.0.$place" && return
		place=$((place + 1))
	done
	die "there is no host $1"
}

mac() { # HOST
	printf '02:61:79:65:00:%02x\n' "$(address "$1" | cut -d. -f4)"
}

# The overlay, and in it what makes it a host of this run: its name, its key, whom it lets in.
lay() { # HOST LOWER
	local layer=$folder/$1 root=$folder/$1/root unit
	mkdir -p "$layer"/{upper,work,root,out}
	mount -t overlay -o "lowerdir=$2,upperdir=$layer/upper,workdir=$layer/work" aye "$root"
	cp -r "$systemd/inside/etc" "$root/"
	ln -s /etc/systemd/system/aye-booted.service "$root/etc/systemd/system/multi-user.target.wants/"
	for unit in "${noise[@]}"; do
		[[ $unit == *.* ]] || unit+=.service
		ln -sf /dev/null "$root/etc/systemd/system/$unit"
	done
	echo "$1" >"$root/etc/hostname"
	ssh-keygen -q -t ed25519 -N '' -C "$1" -f "$root/etc/ssh/ssh_host_ed25519_key"
	printf '%s\n' 'HostKey /etc/ssh/ssh_host_ed25519_key' 'PasswordAuthentication no' 'UseDNS no' 'PrintMotd no' \
		>"$root/etc/ssh/sshd_config.d/aye.conf"
	authorise "$root" root /root
	authorise "$root" deploy /home/deploy
}

authorise() { # ROOT USER HOME
	install -d -m 700 "$1$3/.ssh"
	cp "$home/.ssh/id_ed25519.pub" "$1$3/.ssh/authorized_keys"
	chroot "$1" chown -R "$2:" "$3/.ssh"
}

# Two machines in one cgroup would share its child `payload`, so each enters a group of its own.
enter_group() { # HOST
	local own group
	while read -r own; do
		group=${own%/}/$group_name-$1
		mkdir -p "$group"
		echo "$BASHPID" >"$group/cgroup.procs"
	done < <(own_groups)
}

power_on() { # HOST
	mkfifo "$folder/$1/out/events"
	{
		enter_group "$1"
		SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_LOG_LEVEL=warning systemd-nspawn --quiet --register=no \
			--keep-unit --directory="$folder/$1/root" --machine="$1" --private-network --console=pipe --boot \
			--bind="$folder/$1/out:/srv/aye/out" --bind-ro="$systemd:/srv/aye/tests" --bind-ro="$here:/srv/aye/hosts" \
			--bind-ro="$folder/aye:/srv/aye/aye" --bind-ro="${lower[${hosts[1]}]#*:}:/srv/box" \
			</dev/null >"$folder/$1/console" 2>&1 &
		echo "$!" >"$folder/$1/nspawn"
		wait "$!" || true
		echo "its machine ended" >"$folder/$1/out/events"
	} 2>/dev/null & # the shell's word that it was killed
}

# The host's PID 1: the child of systemd-nspawn that is 1 in its own process namespace.
find_leader() { # HOST
	local child children nspawn
	nspawn=$(cat "$folder/$1/nspawn")
	read -ra children <"/proc/$nspawn/task/$nspawn/children" || true
	for child in "${children[@]}"; do
		grep -q $'^NSpid:.*\t1$' "/proc/$child/status" && echo "$child" && return
	done
	die "found no PID 1 under systemd-nspawn (pid $nspawn): $(tail -n 3 "$folder/$1/console")"
}

await_boot() { # HOST
	local word
	# Open at both ends: never at its end, and nobody blocks on opening it.
	read -r -t "$boot_patience" word <>"$folder/$1/out/events" || word="no word of it for $boot_patience s"
	[[ $word == running || $word == degraded ]] ||
		die "$1 did not boot: $word; its console: $(tail -n 20 "$folder/$1/console")"
	leader[$1]=$(find_leader "$1")
}

# The cable: one end in the host, the other on the bridge. The client's table has the host's address for good: a host
# that is cut off is silent, and no neighbour discovery says so early.
plug_in() { # HOST
	ip link add "to-$1" type veth peer name host0 address "$(mac "$1")" netns "${leader[$1]}"
	ip link set "to-$1" master bridge up
	nsenter --target "${leader[$1]}" --net ip link set host0 up
	nsenter --target "${leader[$1]}" --net ip link set lo up
	nsenter --target "${leader[$1]}" --net ip address add "$(address "$1")/24" dev host0
	ip neighbour replace "$(address "$1")" lladdr "$(mac "$1")" dev bridge nud permanent
}

# A command on the host, as root, past the network.
on() { # HOST COMMAND...
	nsenter --target "${leader[$1]}" --mount --uts --ipc --net --pid --cgroup --root --wd -- \
		env --ignore-environment PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin "${@:2}"
}

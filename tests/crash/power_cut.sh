#!/bin/sh
# Power cuts under load: whatever was acknowledged is there afterwards. The control, a PostgreSQL that does not flush, must
# lose, or this would prove nothing. ext4 on a loop file, cut by its shutdown ioctl: root only. CUTS=n, by default 3.
. tests/cmd/node.sh
. tests/crash/load.sh

cuts=${CUTS:-3}
disk=$work/disk
mounted=""
clean() {
	load_end
	[ ! -f "$work/power.pid" ] || kill_all $(everything)
	kill_all $control
	[ -z "$mounted" ] || umount "$disk" 2>/dev/null || umount -l "$disk"
	node_clean
}
kill_all() {
	[ $# -gt 0 ] || return 0
	kill -9 "$@" 2>/dev/null
	await 30 gone "$@"
}
# The node's processes: PostgreSQL is not the supervisor's child. The file with its number goes with the power.
everything() {
	echo "$(node_pid power)" $(children_of "$(node_pid power)") $server_pid $([ -z "$server_pid" ] || children_of "$server_pid")
}
server_pid=""
# The disk holds what shall be cut and nothing of this script.
node_start() {
	node_begin power --node.state "$state"
	node_ready power || return 1
	server_pid=$(head -n 1 "$state/pg/postmaster.pid")
	url=$(node_url power)
}
control=""
disk_mount() { mount -o loop "$work/disk.img" "$disk" 2>"$work/err" && mounted=yes; }
disk_unmount() {
	await 20 umount "$disk" 2>"$work/err" && mounted=""
}
power_cut() { python3 tests/crash/power_cut.py "$disk" 2>"$work/err"; }

if [ "$(id -u)" != 0 ]; then
	skip "power cuts: only root may mount a file system to cut"
	report
fi
if [ -z "$server" ] || [ ! -x "$driver" ]; then
	skip "power cuts: there is no PostgreSQL, or no $driver"
	report
fi
trap clean EXIT
mkdir -m 711 "$disk"
if ! fallocate -l 600M "$work/disk.img" || ! mkfs.ext4 -q "$work/disk.img" 2>"$work/err" || ! disk_mount || ! power_cut || ! disk_unmount || ! disk_mount; then
	skip "power cuts: no ext4 on a loop file can be mounted and cut here: $(tail -n 1 "$work/err")"
	report
fi
chmod 711 "$disk"
table() { printf '%-34s %13s %6s  %s\n' "$@"; }

# ---- the node ----
state=$disk/node
check "the node is ready" node_start
[ "$failed" = 0 ] || report
load_prepare
table 'cut' acknowledged lost 'started again by itself in'
cut=0
while [ "$cut" -lt "$cuts" ]; do
	cut=$((cut + 1))
	before=$(acknowledged item)
	load_begin "$cut"
	check "items are given before cut $cut" await 20 more_than item $((before + 200))
	sleep 1
	check "the power is cut ($cut)" power_cut
	kill_all $(everything)
	wait "$(node_pid power)" 2>/dev/null
	load_end
	check "the disk comes back ($cut)" eval 'disk_unmount && disk_mount'
	started=$(now_ms)
	check "the node starts as it is ($cut)" node_start
	[ "$failed" = 0 ] || report
	took=$(($(now_ms) - started))
	lost=$(($(lost_items) + $(lost_votes)))
	table "node, cut $cut" "$(($(acknowledged item) + $(acknowledged vote)))" "$lost" "$took ms"
	check "nothing that was acknowledged is lost ($cut)" [ "$lost" = 0 ]
	check "what is stored stands in the journal once ($cut)" [ "$(entries_that_differ)" = 0 ]
done
cat "$work"/receipts-give-* | grep '}$' >"$work/receipts"
receipts_hold() { run "$winnow" receipt "$work/receipts" --node.state "$state"; ended 0; }
check "every receipt is kept" await 20 receipts_hold
node_end power
rm "$work/power.pid"
stop_server "$state"
server_pid=""

# ---- the control: the same, but for the flush ----
for fsync in on off; do
	cluster=$disk/control-$fsync
	mkdir "$cluster" "$work/sock-$fsync" && chown postgres: "$cluster" "$work/sock-$fsync"
	as_server "$server/initdb" -D "$cluster" -A trust -U postgres --no-sync >"$work/out" 2>"$work/err"
	sync
	control_start() {
		as_server "$server/postgres" -D "$cluster" -k "$work/sock-$fsync" -c listen_addresses= -c fsync=$fsync >>"$work/control.log" 2>&1 &
		await 30 "$server/pg_isready" -q -h "$work/sock-$fsync" && control=$(head -n 1 "$cluster/postmaster.pid")
	}
	ask() { "$server/psql" -qtA -h "$work/sock-$fsync" -U postgres -d postgres "$@"; }
	check "a server with fsync=$fsync runs" control_start
	ask -c 'CREATE TABLE given (number bigint)' && sync
	# An INSERT of its own each, told when it is done.
	: >"$work/given-$fsync"
	(
		seq 1 100000 | sed 's/.*/INSERT INTO given VALUES (&) RETURNING number;/' | ask >"$work/given-$fsync" 2>/dev/null
	) &
	inserts=$!
	given() { [ "$(grep -c '' "$work/given-$fsync")" -gt 500 ]; }
	await 20 given
	check "the power is cut (fsync=$fsync)" power_cut
	kill_all $control $(children_of "$control")
	wait "$inserts" 2>/dev/null
	control=""
	acks=$(grep -c '^[0-9]' "$work/given-$fsync")
	check "the disk comes back (fsync=$fsync)" eval 'disk_unmount && disk_mount'
	lost=all
	if control_start && kept=$(ask -c 'SELECT count(*) FROM given' 2>"$work/err"); then
		lost=$((acks > kept ? acks - kept : 0))
	fi
	kill_all $control $([ -z "$control" ] || children_of "$control")
	control=""
	table "control, fsync=$fsync" "$acks" "$lost" ''
	[ "$fsync" = on ] || check "the server that does not flush loses: the cut cuts" [ "$lost" != 0 ]
	[ "$fsync" = off ] || check "the one that flushes does not" [ "$lost" = 0 ]
done
disk_unmount
trap node_clean EXIT
nodes=""
check "no program broke a promise" quiet power
report

#!/bin/sh
# A database that is sick in every way that we know how to make: clients are told to wait, nothing that was acknowledged is
# lost, and it ends well without anybody's help. (Stopped and killed servers under load: tests/cmd/restart_test.sh.)
. tests/cmd/node.sh
. tests/crash/load.sh

if [ -z "$server" ] || [ ! -x "$driver" ]; then
	skip "a sick database: there is no PostgreSQL, or no $driver"
	report
fi
state=$work/sick
filled="" holders=""
clean() {
	load_end
	kill $holders 2>/dev/null
	node_clean_all
}
node_clean_all() {
	[ -z "$filled" ] || [ ! -f "$filled/full/pg/postmaster.pid" ] || stop_server "$filled/full"
	node_clean
	[ -z "$filled" ] || umount "$filled" 2>/dev/null
	rm -rf "$work"
}
trap clean EXIT
table() { printf '%-44s %-26s %9s  %s\n' "$@"; }

# Whatever is asked of the database: 503 with Retry-After.
tells_to_wait() {
	[ "$(curl -s -o "$work/body" -D "$work/head" -w '%{http_code}' --max-time 20 "$url$1")" = 503 ] && grep -qi '^retry-after: [0-9]' "$work/head"
}
goes_on() {
	items=$(acknowledged item)
	back=$(now_ms)
	check "$1: submissions are taken again" await 40 more_than item $((items + 20))
	back=$(($(now_ms) - back))
}

node_begin sick
check "the node is ready" node_ready sick || report
url=$(node_url sick)
load_prepare
load_begin 1
check "items are given" await 20 more_than item 100
table fault 'clients see' 'back in' lost

# ---- F10: one backend killed; PostgreSQL restarts all of them ----
kill -9 "$(query -c "SELECT pid FROM pg_stat_activity WHERE usename = 'winnow_serve' LIMIT 1")"
goes_on "a backend that is killed"
table 'F10 one backend killed' '503 + Retry-After' "$back ms" "$(lost_items)"

# ---- F20: connections exhausted ----
echo 'SELECT pg_sleep(600);' >"$work/idle.sql"
serve=$(role_of "$(node_pid sick)" serve)
kill -STOP "$serve"
query -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'winnow_serve'" >"$work/out"
serve_left() { [ "$(query -c "SELECT count(*) FROM pg_stat_activity WHERE usename = 'winnow_serve'")" = 0 ]; }
check "the server's connections are gone" await 10 serve_left
room() { query -c "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') + 1"; }
places=$(room)
# By a role without the owner's right to the places that are reserved; the last few one by one, some in vain.
"$server/pgbench" -n -h "$state/sock" -U winnow_serve -d winnow -c $((places - 8)) -j 1 -f "$work/idle.sql" >"$work/crowd" 2>&1 &
holders=$!
sleep 2
for number in 1 2 3 4 5 6 7 8 9 10 11 12; do
	"$server/psql" -qtA -h "$state/sock" -U winnow_serve -d winnow -f "$work/idle.sql" >"$work/crowd" 2>&1 &
	holders="$holders $!"
done
no_place() { ! "$server/psql" -qtA -h "$state/sock" -U winnow_serve -d winnow -c 'SELECT 1' >"$work/out" 2>"$work/err"; }
check "all connections are taken" await 10 no_place
check "because there are no more" warns "connection slots are reserved"
kill -CONT "$serve"
check "no connection is left: clients are told to wait" await 20 tells_to_wait /v1/campaigns
check "the process lives" http_is 200 "$url/livez"
kill -9 $holders 2>/dev/null
wait $holders 2>/dev/null
holders=""
query -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()" >"$work/out"
goes_on "connections that are exhausted"
table 'F20 connections exhausted' '503 + Retry-After' "$back ms" "$(lost_items)"

# ---- F23: a table that somebody holds ----
# An item that nobody has: known only to whoever can read the table.
item="/v1/items/$(printf %064d 7)"
query -c "BEGIN; LOCK TABLE item IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(20); COMMIT" >"$work/lock" 2>&1 &
holders=$!
locked() { [ "$(query -c "SELECT count(*) FROM pg_locks WHERE relation = 'item'::regclass AND mode = 'AccessExclusiveLock' AND granted")" = 1 ]; }
check "a table is locked" await 10 locked
started=$(now_ms)
check "readers of other tables are served meanwhile" http_is 200 "$url/v1/campaigns"
check "who needs it is told to wait" tells_to_wait "$item"
took=$(($(now_ms) - started))
check "before the client's patience ends" [ "$took" -lt 14500 ]
check "the process lives" http_is 200 "$url/livez"
wait $holders
holders=""
goes_on "a lock that is held"
table 'F23 table locked for 20 s' "503 after $took ms" "$back ms" "$(lost_items)"
load_end
check "somebody was told to wait" [ "$(busy_answers)" -gt 0 ]
check "clients were told to wait, and nothing else" [ "$(odd_answers)" = 0 ]
cat "$work"/load-* | grep '^odd ' | sort | uniq -c | sort -rn | head -n 5

# ---- a statement that takes too long ----
query -c "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NEW; END';
	GRANT EXECUTE ON FUNCTION slow() TO PUBLIC; CREATE TRIGGER slow BEFORE INSERT ON item FOR EACH STATEMENT EXECUTE FUNCTION slow()" 2>"$work/err"
givers="slow" judges=""
load_begin 0
sleep 17
load_end
givers="give-1 give-2" judges="judge-1"
cp "$work/load-slow-0" "$work/out"
check "a statement that takes too long is given up, and its client told to wait" [ "$(sed -n 's/^end .* busy \([0-9]*\) odd.*/\1/p' "$work/out")" -ge 1 ]
check "nothing of it is acknowledged" [ "$(grep -c '^item ' "$work/out")" = 0 ]
check "and nothing else is told" [ "$(grep -c '^odd ' "$work/out")" = 0 ]
query -c "DROP TRIGGER slow ON item; DROP FUNCTION slow()" 2>"$work/err"
load_begin 1b
goes_on "a statement that takes too long"
load_end
table 'a statement of 60 s' '503 at the limit of 15 s' "$back ms" "$(lost_items)"

# ---- F7: the supervisor killed; F8: everything killed together ----
roles=$(children_of "$(node_pid sick)")
kill -9 "$(node_pid sick)"
check "roles end with their supervisor" await 30 gone $roles
wait "$(node_pid sick)" 2>/dev/null
node_begin sick
check "the node starts after its supervisor was killed" node_ready sick
url=$(node_url sick)
table 'F7 supervisor killed' 'roles end' 'next start' "$(lost_items)"
load_begin 2
items=$(acknowledged item)
check "items are given" await 20 more_than item $((items + 50))
node_kill sick
load_end
node_begin sick
check "the node starts after all of it was killed" node_ready sick
url=$(node_url sick)
table 'F8 all processes killed' 'connection lost' 'next start' "$(lost_items)"
check "no acknowledged item is lost" [ "$(lost_items)" = 0 ]
check "no acknowledged vote is lost" [ "$(lost_votes)" = 0 ]
check "what is stored stands in the journal once" [ "$(entries_that_differ)" = 0 ]
node_end sick
rm -f "$work"/load-*

# ---- F21: the database's disk is full ----
if [ "$(id -u)" != 0 ] || ! mkdir -m 711 "$work/disk" || ! mount -t tmpfs -o size=200m,mode=711 winnow-test "$work/disk" 2>"$work/err"; then
	skip "F21, a full disk: only root may mount a small one"
	report
fi
filled=$work/disk
state=$work/disk/full
node_begin full --node.state "$state"
check "a node on a small disk is ready" node_ready full || report
url=$(node_url full)
load_prepare
load_begin 3
check "items are given" await 20 more_than item 100
dd if=/dev/zero of="$work/disk/filler" bs=1M >"$work/out" 2>&1
fall_silent() {
	before=$(acknowledged item)
	sleep 2
	[ "$(acknowledged item)" = "$before" ]
}
check "the disk is full: nothing more is acknowledged" await 30 fall_silent
check "the process lives" http_is 200 "$url/livez"
sleep 3
rm "$work/disk/filler"
goes_on "a disk that was full"
load_end
check "no acknowledged item is lost" [ "$(lost_items)" = 0 ]
check "no acknowledged vote is lost" [ "$(lost_votes)" = 0 ]
check "somebody was told to wait" [ "$(busy_answers)" -gt 0 ]
check "clients were told to wait, and nothing else" [ "$(odd_answers)" = 0 ]
cat "$work"/load-* | grep '^odd ' | sort | uniq -c | sort -rn | head -n 5
table 'F21 disk full' '503 + Retry-After' "$back ms" "$(lost_items)"
node_end full
stop_server "$state"
umount "$work/disk" && filled=""
trap node_clean EXIT
report

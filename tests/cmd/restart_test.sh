#!/bin/sh
# PostgreSQL goes away under load, once stopped, once killed: the node brings it back by itself, clients are told to wait
# meanwhile, nothing that was acknowledged is lost.
. tests/cmd/node.sh

driver=$(dirname "$WINNOW_BIN")/tests/cmd_test
server=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
state=$work/store
at="--node.state $state"
# The server's programs as the server's user, with what stands in its own folder.
as_server() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid=postgres --regid="$(id -g postgres)" --init-groups "$@"
	else
		"$@"
	fi
}
query() { "$server/psql" -qtA -h "$state/sock" -U winnow_owner -d winnow "$@"; }
server_stop() { as_server "$server/pg_ctl" -D "$state/pg" -m fast -w -t 30 stop >"$work/out" 2>"$work/err"; }
server_kill() {
	postmaster=$(head -n 1 "$state/pg/postmaster.pid")
	kill -9 "$postmaster"
	await 20 gone "$postmaster"
}
acknowledged() { cat "$work"/load-* 2>/dev/null | grep -c "^$1 "; }
more_than() { [ "$(acknowledged "$1")" -gt "$2" ]; }
node_answers() { http_is 200 "$url/readyz"; }
tells_to_wait() {
	[ "$(curl -s -o "$work/body" -D "$work/head" -w '%{http_code}' --max-time 10 "$url$1")" = 503 ] && grep -qi '^retry-after: [0-9]' "$work/head"
}

if [ -z "$server" ] || [ ! -x "$server/pg_ctl" ] || [ ! -x "$driver" ]; then
	skip "a database that goes away and comes back: there is no pg_ctl, or no $driver"
	report
fi
node_begin store
check "the node is ready" node_ready store
url=$(node_url store)
cat >"$work/campaign.json" <<'END'
{"name":"load","question":"Is this a load?","licence":"CC0-1.0",
 "choices":[{"name":"no","verdict":"reject"},{"name":"yes","verdict":"keep"}],
 "panel":{"mode":"open","seats":3,"escalate":0,"commit_ms":86400000,"reveal_ms":86400000,"audit":"open"},
 "budget":{"seat_pay":"0","seat_bond":"0"},"challenge_ms":0,"vesting_ms":0,"probation":false}
END
run "$winnow" campaign "$work/campaign.json" $at
expect 0 "a campaign is opened" "campaign load is open"
loads=""
for name in give-1 give-2 judge-1 judge-2; do
	"$winnow" key "$work/$name.key" >"$work/out" 2>&1
	"$driver" "${name%-*}-load" "$url" "$work/$name.key" load "$work/stop" "$work/receipts-$name" >"$work/load-$name" 2>"$work/error-$name" &
	loads="$loads $!"
done
loads_end() {
	touch "$work/stop"
	await 30 gone $loads || kill -9 $loads 2>/dev/null
}
trap 'loads_end; node_clean' EXIT

check "items are given" await 20 more_than item 100
check "votes are cast" await 20 more_than vote 10
for how in stop kill; do
	# Whoever brings the server back is held for a moment, so that there is something to see.
	keeper=$(role_of "$(node_pid store)" keep)
	kill -STOP "$keeper"
	check "the server goes ($how)" server_$how
	check "the node says that it is not ready, and when to ask again ($how)" await 10 tells_to_wait /readyz
	check "readers are told to wait ($how)" tells_to_wait /v1/campaigns
	check "but the process lives ($how)" http_is 200 "$url/livez"
	sleep 0.5
	kill -CONT "$keeper"
	check "the node is ready again by itself ($how)" await 30 node_answers
	items=$(acknowledged item) votes=$(acknowledged vote)
	check "items are given again ($how)" await 20 more_than item $((items + 50))
	check "votes are cast again ($how)" await 20 more_than vote $((votes + 5))
done
check "who brought the server back tells it" [ "$(grep -c '"event":"postgresql_restarted"' "$work/store.log")" = 2 ]
loads_end

# ---- what was acknowledged is there ----
echo "acknowledged: $(acknowledged item) items, $(acknowledged vote) votes"
for name in give-1 give-2 judge-1 judge-2; do
	cp "$work/load-$name" "$work/out"
	cp "$work/error-$name" "$work/err"
	check "$name came to its end" grep -q '^end ' "$work/out"
	check "$name was told to wait, and nothing else" [ "$(sed -n 's/^end .* odd \([0-9]*\)$/\1/p' "$work/out")" = 0 ]
done
check "somebody was told to wait" [ "$(sed -n 's/^end .* busy \([0-9]*\) odd.*/\1/p' "$work"/load-* | sort -n | tail -n 1)" -gt 0 ]
# told KIND COLUMNS CONDITION: of the lines of that kind, how many meet the condition.
told() {
	{
		echo "CREATE TEMP TABLE told (item text, voter text); COPY told ($2) FROM STDIN WITH (DELIMITER ' ');"
		cat "$work"/load-* | sed -n "s/^$1 //p"
		echo '\.'
		echo "SELECT count(*) FROM told t WHERE $3;"
	} | query
}
lost_items() { told item item "NOT EXISTS (SELECT 1 FROM item i WHERE i.item_id = decode(t.item, 'hex'))"; }
lost_votes() {
	told vote item,voter "NOT EXISTS (SELECT 1 FROM vote_commit v WHERE v.item_id = decode(t.item, 'hex') AND v.voter = decode(t.voter, 'hex'))"
}
entries="SELECT json_array_elements_text(convert_from(body, 'UTF8')::json -> 'items') AS id FROM journal_entry
	WHERE convert_from(body, 'UTF8')::json ->> 'type' = 'items'"
check "no acknowledged item is lost" [ "$(lost_items)" = 0 ]
check "no acknowledged vote is lost" [ "$(lost_votes)" = 0 ]
cat "$work"/receipts-give-* >"$work/receipts"
receipts_hold() { run "$winnow" receipt "$work/receipts" $at; ended 0; }
check "every receipt is kept" await 20 receipts_hold
check "and there were some" [ "$(grep -c '^kept' "$work/out")" -gt 20 ]
entries_that_differ() {
	query -c "WITH e AS ($entries) SELECT (SELECT count(*) - count(DISTINCT id) FROM e) + (SELECT count(*) FROM e
		FULL JOIN item i ON e.id = encode(i.item_id, 'hex') WHERE e.id IS NULL OR i.item_id IS NULL)"
}
check "what is stored stands in the journal once, and nothing else does" [ "$(entries_that_differ)" = 0 ]
all_linked() { [ "$(query -c 'SELECT count(*) FROM item WHERE state = 0')" = 0 ]; }
check "the duplicate check goes on where it was" await 30 all_linked
check "the node stops when asked" node_end store
check "no role ended for want of a database" [ "$(grep -c '"event":"role_ended"' "$work/store.log")" = 0 ]
trap node_clean EXIT
report

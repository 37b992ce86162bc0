# A node under load that writes down, outside of it, what was acknowledged; read after tests/cmd/node.sh.
driver=$(dirname "$WINNOW_BIN")/tests/cmd_test
server=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
givers="give-1 give-2" judges="judge-1"
loads=""

as_server() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid=postgres --regid="$(id -g postgres)" --init-groups "$@"
	else
		"$@"
	fi
}
query() { "$server/psql" -qtA -h "$state/sock" -U winnow_owner -d winnow "$@"; }
acknowledged() { cat "$work"/load-* 2>/dev/null | grep -c "^$1 "; }
more_than() { [ "$(acknowledged "$1")" -gt "$2" ]; }
node_answers() { http_is 200 "$url/readyz"; }

# A campaign and its clients' keys, once a node.
load_prepare() {
	cat >"$work/campaign.json" <<'END'
{"name":"load","question":"Is this a load?","licence":"CC0-1.0",
 "choices":[{"name":"no","verdict":"reject"},{"name":"yes","verdict":"keep"}],
 "panel":{"mode":"open","seats":3,"escalate":0,"commit_ms":86400000,"reveal_ms":86400000,"audit":"open"},
 "budget":{"seat_pay":"0","seat_bond":"0"},"challenge_ms":0,"vesting_ms":0,"probation":false}
END
	run "$winnow" campaign "$work/campaign.json" --node.state "$state"
	expect 0 "a campaign is opened" "campaign load is open"
}
# load_begin NUMBER: clients with new keys; what they are told goes to $work/load-*-NUMBER.
load_begin() {
	rm -f "$work/stop"
	loads=""
	for name in $givers $judges; do
		key=$work/$name-$1.key
		"$winnow" key "$key" >"$work/out" 2>&1
		kind=${name%-*}
		"$driver" "$([ "$kind" = judge ] && echo judge || echo give)-load" "$url" "$key" load "$work/stop" "$work/receipts-$name-$1" >"$work/load-$name-$1" 2>"$work/error-$name-$1" &
		loads="$loads $!"
	done
}
load_end() {
	touch "$work/stop"
	[ -z "$loads" ] || await 60 gone $loads || kill -9 $loads 2>/dev/null
}
busy_answers() { cat "$work"/load-* | sed -n 's/^end .* busy \([0-9]*\) odd.*/\1/p' | sort -n | tail -n 1; }
odd_answers() { cat "$work"/load-* | grep -c '^odd '; }

# told KIND COLUMNS CONDITION: of what was acknowledged, how many lines meet the condition.
told() {
	{
		echo "CREATE TEMP TABLE told (item text, voter text); COPY told ($2) FROM STDIN WITH (DELIMITER ' ');"
		# A load that was cut leaves half a line.
		cat "$work"/load-* | sed -n "s/^$1 //p" | grep -E '^[0-9a-f]{64}( [0-9a-f]{64})?$'
		echo '\.'
		echo "SELECT count(*) FROM told t WHERE $3;"
	} | query
}
lost_items() { told item item "NOT EXISTS (SELECT 1 FROM item i WHERE i.item_id = decode(t.item, 'hex'))"; }
lost_votes() {
	told vote item,voter "NOT EXISTS (SELECT 1 FROM vote_commit v WHERE v.item_id = decode(t.item, 'hex') AND v.voter = decode(t.voter, 'hex'))"
}
# Items without a journal entry, entries without an item, and entries that stand twice.
entries_that_differ() {
	query -c "WITH e AS (SELECT json_array_elements_text(convert_from(body, 'UTF8')::json -> 'items') AS id FROM journal_entry
		WHERE convert_from(body, 'UTF8')::json ->> 'type' = 'items')
		SELECT (SELECT count(*) - count(DISTINCT id) FROM e) + (SELECT count(*) FROM e
		FULL JOIN item i ON e.id = encode(i.item_id, 'hex') WHERE e.id IS NULL OR i.item_id IS NULL)"
}
# PostgreSQL and all that it started, at once.
server_and_children() {
	postmaster=$(head -n 1 "$state/pg/postmaster.pid")
	echo "$postmaster" $(children_of "$postmaster")
}
# node_kill NAME: the supervisor, its roles and PostgreSQL, without a word.
node_kill() {
	all="$(node_pid "$1") $(children_of "$(node_pid "$1")") $(server_and_children)"
	kill -9 $all 2>/dev/null
	await 30 gone $all
	wait "$(node_pid "$1")" 2>/dev/null
}

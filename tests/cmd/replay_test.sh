#!/bin/sh
# A node's whole history judged again: by `winnow replay` from its journal alone, by `winnow audit` against its database; what
# anybody changes afterwards is found and named.
. tests/cmd/node.sh

server=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
PYTHONDONTWRITEBYTECODE=1 python3 tests/cmd/harbour.py "$work/harbour"
mkdir -m 711 "$work/tmp"
TMPDIR=$work/tmp "$winnow" backtest "$work/harbour" --json --keep --seed 7 --out "$work/version" >"$work/backtest" 2>"$work/err" </dev/null
check "a recorded campaign is run to its end and its node kept" [ -n "$(member row_root "$work/backtest")" ]
mv "$work"/tmp/winnow-backtest-*/state "$work/kept"
state=$work/kept
query() { "$server/psql" -qtA -h "$state/sock" -U winnow_owner -d winnow "$@"; }
told() { [ -n "$(member "$1" "$work/backtest")" ] && [ "$(member "$1")" = "$(member "$1" "$work/backtest")" ]; }

# ---- the journal alone ----
node_begin kept
check "the node comes back" node_ready kept
url=$(node_url kept)
key=$(member public_key "$work/backtest")
run "$winnow" replay --node "$url" --version "$work/version" --key "$key" --save "$work/journal" --json
expect 0 "the journal replays to its end"
for name in row_root claims_root minted_units accepted rejected void; do
	check "to the node's $name" told $name
done
check "every vote counts once" [ $(($(member votes) + $(member audit_votes))) = "$(member votes "$work/backtest")" ]
check "all closes are recomputed" [ "$(member closes)" = "$(member recomputed)" ]
online=$(cat "$work/out")
run "$winnow" audit --node.state "$state" --json
expect 0 "the database is what its journal says" '"ok":true'
check "down to the last entry" [ "$(member entries)" = "$(grep -c '' "$work/journal" | awk '{print $1 - 1}')" ]

# ---- the operator turns against his own database ----
# forge "sentence" STATEMENT UNDO TEXT: the audit names the row; afterwards all is well again.
forge() {
	query -c "SET session_replication_role = replica; $2" >"$work/out" 2>&1 || fail "$1: the forgery itself failed"
	run "$winnow" audit --node.state "$state"
	expect 1 "$1" "$4"
	query -c "SET session_replication_role = replica; $3" >"$work/out" 2>&1 || fail "$1: the forgery could not be undone"
}
query -c "CREATE TABLE aside AS SELECT (SELECT account_id FROM ledger_account WHERE credits_posted > debits_posted ORDER BY credits_posted DESC, account_id LIMIT 1) AS account_id,
	(SELECT item_id FROM verdict ORDER BY item_id LIMIT 1) AS item_id, (SELECT ballot_id FROM ballot ORDER BY ballot_id LIMIT 1) AS ballot_id,
	(SELECT account FROM claims_total ORDER BY cumulative DESC, account LIMIT 1) AS claim, (SELECT max(size) FROM checkpoint) AS size"
forge "one unit more in an account is found" "UPDATE ledger_account SET credits_posted = credits_posted + 1 WHERE account_id = (SELECT account_id FROM aside)" \
	"UPDATE ledger_account SET credits_posted = credits_posted - 1 WHERE account_id = (SELECT account_id FROM aside)" "[audit_"
forge "a verdict turned round is found" "UPDATE verdict SET class = 1 - class WHERE item_id = (SELECT item_id FROM aside)" \
	"UPDATE verdict SET class = 1 - class WHERE item_id = (SELECT item_id FROM aside)" "[audit_"
forge "a claim one unit larger is found" "UPDATE claims_total SET cumulative = cumulative + 1 WHERE account = (SELECT claim FROM aside)" \
	"UPDATE claims_total SET cumulative = cumulative - 1 WHERE account = (SELECT claim FROM aside)" "[audit_"
forge "a ballot's signature with one bit turned is found" \
	"UPDATE ballot SET signature = set_bit(signature, 9, 1 - get_bit(signature, 9)) WHERE ballot_id = (SELECT ballot_id FROM aside)" \
	"UPDATE ballot SET signature = set_bit(signature, 9, 1 - get_bit(signature, 9)) WHERE ballot_id = (SELECT ballot_id FROM aside)" "[audit_"
turned="set_bit(v.ballot_id, 3, 1 - get_bit(v.ballot_id, 3))"
forge "votes whose ballot is gone are found" \
	"UPDATE vote_commit v SET ballot_id = $turned WHERE ballot_id = (SELECT ballot_id FROM vote_commit ORDER BY ballot_id LIMIT 1)" \
	"UPDATE vote_commit v SET ballot_id = $turned WHERE NOT EXISTS (SELECT FROM ballot b WHERE b.ballot_id = v.ballot_id)" "[audit_vote]"
forge "a validator's record is found" "UPDATE campaign_validator SET gold_right = gold_right + 1" \
	"UPDATE campaign_validator SET gold_right = gold_right - 1" "[audit_"
check "rewards still vest" [ "$(query -c "SELECT count(*) FROM vesting_grant WHERE NOT ended")" -gt 0 ]
forge "a reward that could be taken back again is found" "UPDATE vesting_grant SET revocable = NOT revocable WHERE NOT ended" \
	"UPDATE vesting_grant SET revocable = NOT revocable WHERE NOT ended" "[audit_grant]"
forge "a checkpoint of another root is found" \
	"UPDATE checkpoint SET root = set_bit(root, 0, 1 - get_bit(root, 0)) WHERE size = (SELECT size FROM aside)" \
	"UPDATE checkpoint SET root = set_bit(root, 0, 1 - get_bit(root, 0)) WHERE size = (SELECT size FROM aside)" "[journal_broken]"
query -c "CREATE TABLE entry_aside AS SELECT * FROM journal_entry WHERE entry_id = (SELECT entry_id FROM journal_leaf WHERE position = 20)"
forge "an entry written anew, its hash too, is found" \
	"UPDATE journal_entry SET body = body || ' ', leaf_hash = sha256('\\x00' || body || ' ') WHERE entry_id = (SELECT entry_id FROM entry_aside)" \
	"UPDATE journal_entry e SET body = a.body, leaf_hash = a.leaf_hash FROM entry_aside a WHERE e.entry_id = a.entry_id" "[journal_broken]"
query -c "DROP TABLE aside, entry_aside"
run "$winnow" audit --node.state "$state"
expect 0 "put right again, it passes"
check "the node stops when asked" node_end kept

# ---- the saved journal, without any node ----
run "$winnow" replay --file "$work/journal" --version "$work/version" --key "$key" --json
expect 0 "a saved journal replays without a node"
check "to the same, but for the time it took" [ "$(sed 's/,"milliseconds.*//' "$work/out")" = "$(echo "$online" | sed 's/,"milliseconds.*//')" ]
run sh -c "cat '$work/journal' | '$winnow' replay --file - --json"
expect 0 "and from a pipe"
# changed "sentence" TEXT AWK: a journal changed by an awk program is refused with that code.
changed() {
	awk "$3" "$work/journal" >"$work/changed"
	if cmp -s "$work/journal" "$work/changed"; then
		fail "$1: nothing was changed"
		return
	fi
	run "$winnow" replay --file "$work/changed"
	expect 1 "$1" "$2"
}
changed "a vote opened otherwise is found at its entry" "(epoch_close_part): " \
	'!done && /"type":"epoch_close_part"/ { if (sub(/"choice":0/, "\"choice\":1")) done = 1 } 1'
changed "a transfer that never was is found" "[replay_" '!done && /"type":"transfers"/ { if (sub(/"amount":"1/, "\"amount\":\"2")) done = 1 } 1'
changed "an entry left out is found" "[replay_" 'NR != 30'
changed "two entries in the other order are found" "[replay_" 'NR == 30 { held = $0; next } { print } NR == 31 { print held }'
changed "a journal whose end is cut away is found" "[replay_checkpoint]" '{ line[NR] = $0 } END { for (i = 1; i < NR - 1; i++) print line[i]; print line[NR] }'
run "$winnow" replay --file "$work/journal" --network 00
expect 1 "a network's name that is none is refused" "[network_text]"
run "$winnow" replay --file "$work/journal" --network "$(printf '%064d' 1)"
expect 1 "another network's journal is refused" "[replay_network]"
run "$winnow" replay --file "$work/nowhere"
expect 1 "a file that is not there is told" "[journal_file]"
run "$winnow" replay --file "$work/journal" --save "$work/journal"
expect 1 "no file is written over" "[journal_file]"
cp -r "$work/version" "$work/poorer"
shard=$(ls "$work"/poorer/*.gz "$work"/poorer/*/*.gz 2>/dev/null | head -n 1)
printf 'x' >>"$shard"
run "$winnow" replay --file "$work/journal" --version "$work/poorer"
expect 1 "a version whose files are not what was signed is refused" "["
report

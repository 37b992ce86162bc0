#!/bin/sh
# The command line against a real node: keys, items, votes, money, datasets, receipts, refusals, and what a pipe is spared.
. tests/cmd/node.sh

keys=$work/keys
mkdir -m 700 "$keys"
node_begin shop --clock manual
state=$work/shop

# ---- without a node ----
run "$winnow" key "$keys/giver"
expect 0 "a key is made" "did:key:z6Mk"
did=$(cat "$work/out")
check "whoever made it is told what it is worth" warns "Whoever has this file owns the account"
check "a key file is its owner's alone" [ "$(stat -c %a "$keys/giver")" = 600 ]
run "$winnow" key "$keys/giver"
expect 0 "a key that is there is shown" "$did"
check "and not made anew" [ ! -s "$work/err" ]
chmod 644 "$keys/giver"
run "$winnow" key "$keys/giver"
expect 1 "a key that others can read is refused" "[key_file_mode]"
chmod 600 "$keys/giver"
for name in ann bo cy; do "$winnow" key "$keys/$name" >"$work/$name.did" 2>/dev/null; done

run "$winnow"
expect 2 "without a command the help is shown"
run "$winnow" --help
expect 0 "help is no mistake" "Exit status: 0 done, 1 a check failed, 2 wrong use, 3 something cannot be reached."
run "$winnow" --version
expect 0 "the version is told" "winnow $(cat VERSION)"
run "$winnow" frobnicate
expect 2 "an unknown command is wrong use" "there is no command frobnicate"
run "$winnow" status --jason
expect 2 "an unknown option is wrong use, and the nearest is named" "did you mean --json?"
run "$winnow" status please
expect 2 "a word too many is wrong use" "usage: winnow status"
run "$winnow" submit
expect 2 "words that are missing are wrong use" "usage: winnow submit"
run "$winnow" status --node http://127.0.0.1:1
expect 3 "a node that is not there cannot be reached" "[fetch_unreachable]"
run "$winnow" clock --node.state "$work/nothing"
expect 3 "an operator's door that is not there cannot be reached" "[operator_socket]"
for command in $(sed -n 's/^const struct command command_\([a-z]*\) = .*/\1/p' cmd/*.c) ingest embed tally reward seal; do
	run "$winnow" "$command" --help
	expect 0 "the help of $command" "usage: winnow $command"
done

run "$winnow" config
cp "$work/out" "$work/config"
run env WINNOW_CONFIG="$work/config" "$winnow" config
expect 0 "the printed configuration can be read"
check "and says the same again" cmp -s "$work/config" "$work/out"
sed -i 's/^serve.port = .*/serve.port = 4711/' "$work/config"
run env WINNOW_CONFIG="$work/config" "$winnow" config
expect 0 "what is changed in it is in force" "serve.port = 4711"
echo "serve.prot = 1" >>"$work/config"
run env WINNOW_CONFIG="$work/config" "$winnow" config
expect 2 "a name that is none is refused with its line" "line $(grep -c '' "$work/config")"
run "$winnow" config --genesis
check "the printed genesis can be read" python3 -m json.tool "$work/out" "$work/genesis.json"

cat >"$work/items.ndjson" <<'END'
{"content":"A red glove sat on the fence by the school until its owner came by."}
{"content":"   "}
{"id":"x7","text":"Nobody has asked for the left mitten that I hung on the railing."}
not json

{"content":"Found: one leather glove near the fountain, size nine, hardly worn.","colour":"brown"}
{"content":"The tram conductor waved with the scarf that I had lost a week ago."}
END
cat >"$work/campaign.json" <<'END'
{"name":"lost-gloves","question":"Does the post tell of a glove that was found?","licence":"CC0-1.0",
 "choices":[{"name":"no","verdict":"reject"},{"name":"yes","verdict":"keep"},{"name":"skip","verdict":"abstain"}],
 "panel":{"mode":"open","seats":3,"escalate":0,"commit_ms":86400000,"reveal_ms":86400000,"audit":"open"},
 "budget":{"seat_pay":"0","seat_bond":"0"},"challenge_ms":0,"vesting_ms":0,"probation":false}
END
run "$winnow" preflight "$work/items.ndjson" --campaign "$work/campaign.json"
expect 1 "a bad line fails the check of a file" "good 3, refused 3"
check "and is named with its number" says "$(printf '6\trefused\titem_member')"
sed '2d;4d;6d' "$work/items.ndjson" >"$work/good.ndjson"
run "$winnow" preflight "$work/good.ndjson"
expect 0 "good lines pass it" "good 3, refused 0"
run "$winnow" preflight "$work/none.ndjson"
expect 1 "a file that is not there is told" "[file_open]"

# ---- campaigns and items ----
check "the node is ready" node_ready shop
at="--node.state $state"
run "$winnow" campaign "$work/campaign.json" $at
expect 0 "a campaign is opened" "campaign lost-gloves is open"
run "$winnow" campaign $at
expect 0 "campaigns are listed" "Does the post tell of a glove that was found?"
echo '{"name":"no-choices","question":"?"}' >"$work/bad.json"
run "$winnow" campaign "$work/bad.json" $at
expect 1 "a campaign's document that is none is refused" "[campaign_"
echo '{"name":"lots","question":"?","choices":[{"name":"no","verdict":"reject"},{"name":"yes","verdict":"keep"}]}' >"$work/drawn.json"
run "$winnow" campaign $at "$work/drawn.json"
expect 1 "a campaign whose seats would be drawn is refused for now" "[campaign_drawn]"
submit="$winnow submit --campaign lost-gloves --key $keys/giver $at"
run $submit "$work/items.ndjson" --receipts "$work/receipts"
expect 1 "one bad line among good ones fails" "accepted 3, repeated 0, refused 3"
check "its neighbours are stored" [ "$(grep -c "$(printf '\taccepted\t')" "$work/out")" = 3 ]
check "answers carry the numbers of their lines" [ "$(cut -f 1 "$work/out" | head -n 6 | tr '\n' ' ')" = "1 2 3 4 6 7 " ]
check "a pipe is spared the progress" [ ! -s "$work/err" ]
item=$(sed -n 's/^1\taccepted\t\([0-9a-f]*\).*/\1/p' "$work/out")
run $submit "$work/items.ndjson"
expect 1 "submitting twice stores nothing twice" "accepted 0, repeated 3, refused 3"
check "and answers with the same items" says "$item"
run $submit --text "Somebody tied a single blue glove to the handle of the bakery door."
expect 0 "one text is submitted" "accepted 1, repeated 0, refused 0"
run sh -c "echo '{\"content\":\"A child held up a knitted glove and asked every passer-by.\"}' >$work/one; exec $submit - <$work/one"
expect 0 "items come from the standard input" "accepted 1"
run $submit --text "$(printf 'A striped glove \033[2Jwaits at the lamp post by the park gate, still wet.')"
expect 0 "a text may hold what terminals obey" "accepted 1"
run $submit --text ""
expect 1 "an empty text is refused with its code" "item_content_empty"
run "$winnow" submit --campaign no-such-campaign --key "$keys/giver" $at --text "To nobody."
expect 1 "a campaign that is not there is told" "[campaign_unknown]"
run "$winnow" submit --campaign lost-gloves --key "$keys/nobody" $at --text "By nobody."
expect 1 "a key that is not there is told, and how to make one" "winnow key"
receipt_holds() { run "$winnow" receipt "$work/receipts" $at; ended 0; }
check "the receipt is kept: its entry is in a signed checkpoint" await 20 receipt_holds
check "and the place is told" says "kept: entry"
sed 's/"leaf_hash":"\(.\)/"leaf_hash":"x\1/; s/"leaf_hash":"x0/"leaf_hash":"1/; s/"leaf_hash":"x./"leaf_hash":"0/' "$work/receipts" >"$work/forged"
run "$winnow" receipt "$work/forged" $at
expect 1 "a receipt for another entry does not hold" "[receipt_"
run "$winnow" receipt "$work/campaign.json" $at
expect 1 "what is no receipt is refused" "[receipt_"

# ---- accounts and money ----
run "$winnow" account --key "$keys/ann" --roles contributor,validator $at
expect 0 "a key takes roles" "contributor validator"
check "and is named" says "$(cat "$work/ann.did")"
run "$winnow" account --key "$keys/ann" --roles operator $at
expect 1 "a role that is not free is refused" "[role_not_open]"
run "$winnow" account --key "$keys/ann" $at
expect 0 "what an account has is told" "free"
run "$winnow" stake 5 --key "$keys/ann" $at
expect 1 "more than one has cannot be deposited" "[insufficient_funds]"
run "$winnow" stake 0.0000000001 --key "$keys/ann" $at
expect 2 "an amount with ten decimals is wrong use" "nine decimals"

# ---- votes ----
ready_to_judge() { "$winnow" status --json $at >"$work/status" && [ "$(member received "$work/status")" = 0 ] && [ "$(member embedded "$work/status")" = 0 ]; }
check "what repeats what is found soon" await 20 ready_to_judge
for name in ann bo cy; do
	# The second of them first looks at one task and leaves it.
	answers='x\n9\n2\n2\n2\n2\n2\n2\n'
	[ $name != bo ] || answers='s\n2\n2\n2\n2\n2\n2\n'
	status=0
	printf "$answers" | "$winnow" vote --key "$keys/$name" --campaign lost-gloves $at >"$work/out" 2>"$work/err" || status=$?
	expect 0 "$name judges from the standard input" "Sealed."
done
check "what terminals obey is not shown to judges as it is" [ "$(grep -c 'striped glove ?\[2Jwaits' "$work/out")" = 1 ]
check "a number that is none is asked again" grep -q "A number from 1 to 2, s or q." "$work/out"
run "$winnow" vote --key "$keys/ann" --campaign lost-gloves $at
expect 0 "a judge who did all has no more" "No task is free at the moment."
opened=0
open_votes() {
	for name in ann bo cy; do
		run "$winnow" vote --key "$keys/$name" --open $at
		ended 0 || return 1
		opened=$((opened + $(sed -n 's/^\([0-9]*\) votes opened.*/\1/p' "$work/out")))
	done
	[ "$opened" -ge 15 ]
}
# Six items, three judges; the one that bo left keeps a free seat and stays sealed.
check "sealed votes are opened once a checkpoint closed their round" await 20 open_votes
counted() { "$winnow" status --json $at >"$work/status" && [ "$(member provisional "$work/status")" -ge 5 ]; }
check "opened votes are counted" await 20 counted

# ---- the pay round, then a dataset ----
accepted() {
	"$winnow" clock --advance 61s $at >"$work/out" 2>"$work/err" || return 1
	run "$winnow" release gloves --campaign lost-gloves --wait 30 $at
	ended 0
}
check "after the pay round a dataset is released" await 10 accepted
check "with its rows and its key" says "gloves version 1:"
key=$(sed -n 's/^public key //p' "$work/out")
rows=$(sed -n 's/.*version 1: \([0-9]*\) rows.*/\1/p' "$work/out")
check "rows are the items that all judged" [ "${rows:-0}" -ge 4 ]
run "$winnow" release gloves --campaign lost-gloves $at
expect 0 "without news there is no new version" "nothing changed since version 1"
run "$winnow" release Gloves --campaign lost-gloves $at
expect 1 "a name that is none is refused" "[recipe_name]"
run "$winnow" download gloves --out "$work/gloves" --key "$key" $at
expect 0 "a version is downloaded and verified" "$rows rows in $work/gloves, verified"
check "a pipe is spared the progress of a download" [ ! -s "$work/err" ]
run "$winnow" download gloves@1 --out "$work/gloves" $at
expect 1 "a folder that is there is left alone" "[folder_exists]"
run "$winnow" download gloves@7 --out "$work/seven" $at
expect 1 "a version that is not there is told" "[version_"
run "$winnow" verify "$work/gloves" --key "$key"
expect 0 "a good folder verifies" "good"
check "a pipe is spared the progress of a check" [ ! -s "$work/err" ]
run "$winnow" verify "$work/gloves" --key "$key" --json
expect 0 "and says so as JSON" '"ok":true'
run "$winnow" verify "$work/gloves" --key "$(cat "$work/ann.did")"
expect 1 "another key did not sign it" "[verify_"
shard=$(ls "$work/gloves"/data/* | head -n 1)
python3 - "$shard" <<'END'
import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(20)
    byte = file.read(1)
    file.seek(20)
    file.write(bytes([byte[0] ^ 1]))
END
run "$winnow" verify "$work/gloves" --key "$key"
expect 1 "a flipped bit is found" "[verify_file_hash]"
run "$winnow" verify "$work/gloves" --json
expect 1 "and told as JSON with a code" '"code":"verify_file_hash"'
run "$winnow" verify "$work/nothing"
expect 1 "a folder that is not there does not verify" "[verify_folder]"

# ---- what was earned ----
claim() {
	run "$winnow" claim --key "$keys/giver" "$@" $at
	! warns "[claim_waits]" && ! warns "[claim_none]"
}
check "what was earned is proven once a checkpoint holds the pay round's close" await 20 claim --out "$work/claim.json"
expect 0 "in tokens and in units" " WIN ("
check "with the file that keeps the proof" says "winnow claim --check $work/claim.json"
units=$(sed -n 's/.* WIN (\([0-9]*\) units).*/\1/p' "$work/out")
check "it is more than nothing" [ "${units:-0}" -gt 0 ]
run "$winnow" claim --check "$work/claim.json" --account "$did" --json
expect 0 "a kept claim is checked without a node" "\"cumulative\":\"$units\""
network=$(member network_id)
run sh -c "'$winnow' claim --check - --network $network <'$work/claim.json'"
expect 0 "and from a pipe, held against a network's id" "network     $network"
check "which is then nobody's word" [ "$(grep -c 'own word' "$work/out")" = 0 ]
run "$winnow" claim --check "$work/claim.json" --network "$(printf '%064d' 1)"
expect 1 "another network's claim is refused" "[claim_network]"
run "$winnow" claim --check "$work/claim.json" --account "$(cat "$work/ann.did")"
expect 1 "and another account's" "[claim_account]"
# forged PYTHON "sentence" CODE: the kept claim, changed, is refused.
forged() {
	python3 -c "import hashlib, json, sys
kept = json.load(open(sys.argv[1]))
claim, entry = kept['claim'], kept['entry']
$1
json.dump(kept, open(sys.argv[2], 'w'), sort_keys=True)" "$work/claim.json" "$work/forged.json"
	run "$winnow" claim --check "$work/forged.json"
	expect 1 "$2" "$3"
}
alone="claim.update(index=0, size=1, proof=[], root=hashlib.sha256(b'\\0' + bytes.fromhex(claim['account']) + int(claim['cumulative']).to_bytes(8, 'big')).hexdigest())"
forged "claim['cumulative'] = str(int(claim['cumulative']) + 1)" "one unit more is refused" "[claim_leaf]"
forged "claim['cumulative'] = str(int(claim['cumulative']) * 2); $alone" "a tree of one's own is refused" "[claim_root]"
forged "claim['cumulative'] = str(int(claim['cumulative']) * 2); $alone; entry['claims_root'] = claim['root']" \
	"an entry of one's own is refused" "[claim_entry]"
forged "claim['epoch'] += 1" "another pay round is refused" "[claim_root]"
forged "kept['checkpoint'] = kept['checkpoint'].replace('\\n', '\\n1', 1)" "a checkpoint that nobody signed is refused" "[checkpoint_"
forged "kept['genesis']['keys']['checkpoint'] = '$did'" "a genesis of one's own is refused" "[checkpoint_"
forged "del kept['inclusion']" "a claim without its way to the checkpoint is refused" "[claim_malformed]"
run "$winnow" claim --check "$work/campaign.json"
expect 1 "what is no claim is refused" "[claim_malformed]"
claim --out "$work/claim.json"
expect 1 "no file is written over" "[claim_file]"
run "$winnow" claim --key "$keys/ann" $at --json
expect 1 "who was paid nothing is told so" '"code":"claim_none"'
run "$winnow" claim --key "$keys/giver" --account "$(cat "$work/ann.did")" $at
expect 1 "other people's claims are not shown" "[not_owner]"
run "$winnow" claim $at
expect 2 "a claim without a key is wrong use" "usage: winnow claim"

# ---- the end of a campaign ----
sed 's/lost-gloves/lost-scarves/' "$work/campaign.json" >"$work/scarves.json"
run "$winnow" campaign "$work/scarves.json" $at
expect 0 "another campaign is opened" "campaign lost-scarves is open"
run "$winnow" campaign --close lost-scarves $at
expect 0 "a campaign is closed" "campaign lost-scarves is closed"
run "$winnow" campaign --close lost-scarves $at
expect 0 "once more changes nothing" "campaign lost-scarves is closed"
run "$winnow" campaign "$work/scarves.json" $at
expect 0 "nor does its document" "campaign lost-scarves is closed"
run "$winnow" campaign $at
check "the list tells it" says "$(printf '%-24s %-8s %-8s' lost-scarves text closed)"
run "$winnow" submit --campaign lost-scarves --key "$keys/giver" $at --text "A scarf, too late."
expect 1 "it takes no more items" "campaign_closed"
run "$winnow" campaign --close lost-hats $at
expect 1 "a campaign that is not there cannot be closed" "[campaign_unknown]"
run "$winnow" campaign --close "Hats?" $at
expect 1 "a name that is none is refused before it is sent" "[campaign_name]"

# ---- far later, by a clock that is moved ----
"$winnow" clock --advance 30d $at >"$work/out" 2>&1
run $submit --text "A month later the blue glove still hangs on the bakery door."
expect 0 "items are signed by the clock of the node" "accepted 1"
run "$winnow" account --key "$keys/giver" $at
expect 0 "and whatever else is signed" "$did"
check "the node stops when asked" node_end shop
check "no role ended in between" [ "$(grep -c '"event":"role_ended"' "$work/shop.log")" = 0 ]
report

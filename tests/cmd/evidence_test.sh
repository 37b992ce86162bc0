#!/bin/sh
# What an item repeats, told by the node's route: method, score, and the bytes of the text that both have.
. tests/cmd/node.sh

cat >"$work/campaign.json" <<'END'
{"name":"coast","question":"Is this about the coast?","licence":"CC0-1.0",
 "choices":[{"name":"no","verdict":"reject"},{"name":"yes","verdict":"keep"}],"panel":{"mode":"open","seats":3,"escalate":0}}
END
cat >"$work/posts.ndjson" <<'END'
{"content":"Storm warning for the whole northern coast tonight, with gusts and very heavy rain: stay at home, says the harbour office"}
{"content":"storm  WARNING for the whole northern coast tonight, with gusts and very heavy rain: stay at home, says the harbour office "}
{"content":"Grüße! Storm warning for the whole northern coast tonight, with gusts and very heavy rain: stay at home, says the harbour offıce"}
{"content":"Storm warning for the whole northern coast tonight, with gusts and heavy rain: stay inside, says the harbour master of the town"}
{"content":"Nothing but sunshine in the valleys of the south, and the hay is dry already in every field that we passed on our way"}
END
node_begin shore
check "the node is ready" node_ready shore
url=$(node_url shore)
at="--node.state $work/shore"
run "$winnow" campaign "$work/campaign.json" $at
expect 0 "a campaign is opened" "campaign coast is open"
"$winnow" key "$work/giver" >"$work/out" 2>&1
run "$winnow" submit --campaign coast --key "$work/giver" "$work/posts.ndjson" $at
expect 0 "posts are given" "accepted 5"
awk '$2 == "accepted" { print $3 }' "$work/out" >"$work/ids"
check "each has its id" [ "$(grep -c '' "$work/ids")" = 5 ]
item() { sed -n "${1}p" "$work/ids"; }
all_checked() { for number in 1 2 3 4 5; do curl -s "$url/v1/items/$(item $number)" >"$work/item-$number" && grep -q '"duplicate":' "$work/item-$number" || return 1; done; }
check "the duplicate check comes to them" await 20 all_checked
cat >"$work/check.py" <<'END'
import json, sys
work = sys.argv[1]
texts = [json.loads(line)["content"].encode() for line in open(work + "/posts.ndjson", encoding="utf-8")]
ids = open(work + "/ids").read().split()
found = [json.load(open("%s/item-%d" % (work, n)))["duplicate"] for n in range(1, 6)]
words = lambda n, spans: [texts[n][s["start"]:s["start"] + s["bytes"]].decode() for s in spans]

import minhash_oracle as oracle
posts = [oracle.Post(text.decode()) for text in texts]
assert not found[0]["repeats"] and found[0]["method"] == "none" and "spans" not in found[0], found[0]
assert found[1]["method"] == "norm" and found[1]["origin"] == ids[0] and words(1, found[1]["spans"]) == [texts[1].decode()], found[1]
near = found[2]
assert near["repeats"] and near["method"] == "minhash" and near["origin"] == near["cluster"] == ids[0] and near["spec_version"] == 1, near
assert (near["numerator"], near["denominator"]) == oracle.jaccard(posts[2], posts[0]), near
assert words(2, near["spans"]) == ["Storm warning for the whole northern coast tonight, with gusts and very heavy rain: stay at home, says the harbour off"], words(2, near["spans"])
# One that repeats nothing, but resembles something: of its shingles in both, each is within a span.
assert not found[3]["repeats"] and found[3]["nearest"]["item"] == ids[0], found[3]
assert (found[3]["nearest"]["numerator"], found[3]["nearest"]["denominator"]) == oracle.jaccard(posts[3], posts[0]), found[3]
parts = words(3, found[3]["nearest"]["spans"])
assert parts == ["Storm warning for the whole northern coast tonight, with gusts and heavy rain: stay ", "e, says the harbour ", " the "], parts
union = set().union(*(oracle.shingles(oracle.normalise(part)) for part in parts))
assert posts[3].shingles & posts[0].shingles <= union | oracle.shingles(posts[3].normal), parts
assert not found[4]["repeats"] and "spans" not in found[4], found[4]
print("evidence holds")
END
run env PYTHONPATH=tests/foreign python3 "$work/check.py" "$work"
expect 0 "method, score and spans are what the texts give" "evidence holds"
# The same words from the file's side.
run "$winnow" dedup "$work/posts.ndjson" --field content --json
check "winnow dedup says the same of them" [ "$(grep -o '"method":"[a-z]*"' "$work/out" | tr '\n' ' ')" = '"method":"none" "method":"norm" "method":"minhash" "method":"none" "method":"none" ' ]
check "the index has its folder" [ -d "$work/shore/index" ]
check "the node stops when asked" node_end shore
report

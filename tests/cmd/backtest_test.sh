#!/bin/sh
# `winnow backtest` over an invented recording: the whole main job twice alike, judged by tools that are not ours.
. tests/cmd/node.sh

PYTHONDONTWRITEBYTECODE=1 python3 tests/cmd/harbour.py "$work/harbour"

# Its nodes lie here, so that others who run backtests are not counted.
mkdir -m 711 "$work/tmp"
export TMPDIR="$work/tmp"

# begin NAME [OPTION...]: in the background, so that one run's waiting is another's work.
begin() {
	name=$1
	shift
	(
		status=0
		timeout 120 "$winnow" backtest "$work/harbour" --json --out "$work/$name-version" "$@" >"$work/$name" 2>"$work/$name-err" </dev/null || status=$?
		echo $status >"$work/$name-status"
	) &
	eval "$name=\$!"
}
# What the run printed and how it ended is there for the checks that follow.
finish() {
	eval "wait \$$1"
	status=$(cat "$work/$1-status")
	cp "$work/$1" "$work/out"
	cp "$work/$1-err" "$work/err"
}
same() { [ -n "$(member "$1" "$work/first")" ] && [ "$(member "$1" "$work/first")" = "$(member "$1" "$work/$2")" ]; }

started=$(now_ms)
begin first --seed 7
begin second --seed 7
begin other --seed 8
# Stopped in the middle, these would leave nodes.
trap 'kill $(children_of $first) $(children_of $second) $(children_of $other) 2>/dev/null; wait; node_clean' EXIT
finish first
expect 0 "a recorded campaign is run to its end"
check "it prints one JSON object and nothing else" python3 -c "import json, sys; json.loads(open(sys.argv[1]).read())" "$work/first"
check "a pipe is spared the progress" [ ! -s "$work/first-err" ]
check "the node's ledger sums to zero" [ "$(member ledger_balanced "$work/first")" = true ]
check "all posts and repeats went in" [ "$(member items "$work/first")" = $((40 + $(member planted "$work/first"))) ]
check "many repeats were planted" [ "$(member planted "$work/first")" -ge 30 ]
check "each of them was found, from its origin" [ "$(member planted_found "$work/first")" = "$(member planted "$work/first")" ]
check "and nothing else is called a repeat" [ "$(member duplicates "$work/first")" = "$(member planted "$work/first")" ]
check "every post ends" [ $(($(member accepted "$work/first") + $(member rejected "$work/first") + $(member void "$work/first"))) = 40 ]
check "rows are what was accepted" [ "$(member rows "$work/first")" = "$(member accepted "$work/first")" ]
check "verdicts are about as right as a majority of eight, for fewer votes" python3 - "$work/first" <<'END'
import json, sys
report = json.load(open(sys.argv[1]))
assert report["accuracy"] >= report["majority_accuracy"] - 0.06, report
assert report["accuracy"] > 0.8 and 3 <= report["votes_per_item"] <= 9, report
assert report["votes"] > 0 and report["epochs"] > 0 and int(report["minted_units"]) > 0, report
END

# ---- other people's tools ----
version=$work/first-version
key=$(member public_key "$work/first")
if command -v minisign >/dev/null; then
	run minisign -Vm "$version/manifest.json" -P "$key"
	expect 0 "stock minisign believes the manifest" "Signature and comment signature verified"
else
	skip "stock minisign believes the manifest: there is no minisign"
fi
run sh -c "cd '$version' && exec sha256sum --strict -c SHA256SUMS"
expect 0 "sha256sum finds every file as it was signed" "OK"
run python3 tests/foreign/verify_version.py "$version" "$key"
expect 0 "a second implementation finds the version right"
run "$winnow" verify "$version" --key "$key" --json
expect 0 "and so does winnow verify" "$(member row_root "$work/first")"

# ---- again, and otherwise ----
finish second
expect 0 "the same recording runs again"
for name in row_root claims_root minted_units accepted rejected void votes audit_votes accuracy rows public_key; do
	check "one seed gives one $name" same $name second
done
finish other
expect 0 "another seed runs too"
echo "three backtests of 40 posts, two seeds, take $(($(now_ms) - started)) ms"
check "another seed gives another row root" [ "$(member row_root "$work/other")" != "$(member row_root "$work/first")" ]
check "but the same majority" same majority_accuracy other

# ---- what cannot run ----
trap node_clean EXIT
run "$winnow" backtest "$work/harbour" --json --out "$work/first-version"
expect 1 "a folder that is there is not written over" "[out_exists]"
run "$winnow" backtest "$work/nowhere"
expect 1 "a recording that is not there is told" "[recording_file]"
cp -r "$work/harbour" "$work/broken"
echo "post-99,worker,yes" >>"$work/broken/votes.csv"
run "$winnow" backtest "$work/broken"
expect 1 "a vote on no post is told with its line" "votes.csv line $(grep -c '' "$work/broken/votes.csv")"
check "and its code" warns "[recording_post_unknown]"
echo '{"generosity":1}' >"$work/policy.json"
run "$winnow" backtest "$work/harbour" --policy "$work/policy.json"
expect 1 "a policy that is none is told" "[policy_member]"
run "$winnow" backtest
expect 2 "a recording must be named" "usage: winnow backtest"
nodes_left() { ls -d "$TMPDIR"/winnow-backtest-* 2>/dev/null | wc -l; }
before=$(nodes_left)
"$winnow" backtest "$work/harbour" --json >"$work/out" 2>"$work/err" </dev/null &
running=$!
more_left() { [ "$(nodes_left)" -gt "$before" ]; }
check "a backtest starts a node in a folder of its own" await 20 more_left
kill -TERM $running
wait $running
status=$?
expect 1 "a backtest that is interrupted ends" "[interrupted]"
check "and takes its node along" [ "$(nodes_left)" -le "$before" ]
report

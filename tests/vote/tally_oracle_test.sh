#!/bin/sh
# Random epochs, closed by us and by a second implementation written from the documents: every table must be the same.
program="$(dirname "${WINNOW_BIN:-build/winnow}")/tests/vote_test"
oracle=tests/foreign/tally_oracle.py
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
seeds=${WINNOW_ORACLE_SEEDS:-24}
if ! command -v python3 >/dev/null; then
	echo "SKIP the second implementation needs python3"
	echo "0 passed, 0 failed, $seeds skipped"
	exit 0
fi
fail() { echo "FAIL $*"; failed=$((failed + 1)); }
seed=1
while [ "$seed" -le "$seeds" ]; do
	if ! python3 $oracle random "$seed" >"$work/epoch"; then
		fail "seed $seed: no epoch was made"
	elif ! python3 $oracle close <"$work/epoch" >"$work/theirs"; then
		fail "seed $seed: the second implementation failed"
	elif ! "$program" close-epoch <"$work/epoch" >"$work/ours"; then
		fail "seed $seed: the close failed"
	elif ! [ -s "$work/ours" ] || ! cmp -s "$work/theirs" "$work/ours"; then
		fail "seed $seed: the tables differ, theirs first"
		diff "$work/theirs" "$work/ours" | head -n 8 | cut -c 1-160 | sed 's/^/  /'
	else
		passed=$((passed + 1))
	fi
	seed=$((seed + 1))
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]

#!/bin/sh
# Every fail point that a campaign passes kills its process once, in a run of its own; the end must be that of a run that
# nothing disturbed. `crash.sh short` takes a handful of points, a few of them in one run; POINTS=pattern those that match.
winnow_dir=$(dirname "${WINNOW_BIN:-$PWD/build/winnow}")
WINNOW_BIN=$winnow_dir/failpoints/winnow
wanted=${POINTS:-.}
. tests/cmd/node.sh

[ -x "$WINNOW_BIN" ] || {
	fail "$WINNOW_BIN is there: make FAILPOINTS=1 builds it"
	report
}
mkdir -m 711 "$work/tmp"
export TMPDIR="$work/tmp"
python3 tests/crash/recording.py "$work/orchard" "$([ "${1:-}" = short ] && echo 12 || echo 30)"
running=""
trap 'kill $(for run in $running; do children_of $run; done) 2>/dev/null; wait; node_clean' EXIT

# begin NAME POINTS: a backtest in the background in which each of POINTS ("name:n", with commas between) kills once.
begin() {
	mkdir -m 777 "$work/fp-$1"
	(
		status=0
		FAILPOINT=$2 FAILPOINT_FOLDER=$work/fp-$1 timeout 150 "$winnow" backtest "$work/orchard" --json --seed 7 \
			--out "$work/version-$1" >"$work/said-$1" 2>"$work/err-$1" </dev/null || status=$?
		echo $status >"$work/status-$1"
	) &
	running="$running $!"
}
killed() { ls "$work/fp-$1" | grep -vc '^trace$'; }
# judge NAME POINT KILLS: one line of the table.
judge() {
	cp "$work/said-$1" "$work/out"
	cp "$work/err-$1" "$work/err"
	same=yes
	[ "$(cat "$work/status-$1")" = 0 ] || same="ended with $(cat "$work/status-$1")"
	for name in row_root claims_root minted_units duplicates accepted rejected void votes audit_votes; do
		[ "$same" != yes ] || [ "$(member $name "$work/said-$1")" = "$(member $name "$work/said-calm")" ] || same="other $name"
	done
	printf '%-62s %5s %7s  %s\n' "$2" "$(killed "$1")" "$(member seconds "$work/said-$1")" "$same"
	check "$2: killed as often as was said" [ "$(killed "$1")" = "$3" ]
	check "$2: the same end" [ "$same" = yes ]
	rm -rf "$work/version-$1" "$work/fp-$1"
}

begin calm ""
wait
cp "$work/said-calm" "$work/out"
cp "$work/err-calm" "$work/err"
check "an undisturbed run comes to its end" [ "$(cat "$work/status-calm")" = 0 ]
check "with rows, claims and tokens" [ "$(member minted_units "$work/said-calm")" -gt 0 ]
[ "$failed" = 0 ] || report
printf '%-62s %5s %7s  %s\n' 'point:hit' kills seconds 'same row root, claims root, minted, verdicts, votes'

if [ "${1:-}" = short ]; then
	# One run, nine kills of four roles: each where the answer or the next step is not yet out, or the work not yet kept.
	points=submit_api/submission_store/after_commit:1,submit_api/submission_store/before_commit:1
	points=$points,embed_worker/batch_once/before_commit:1,ballot_api/group_run/after_commit:5
	points=$points,vote_worker/step/count_opened_votes:1,epoch_end/epoch_end/after_commit:1,close_worker/finish/before_commit:3
	points=$points,journal/journal_sequence/after_commit:4,version_write/version_writer_publish/after_rename:1
	begin all "$points"
	# The duplicate index in a run of its own: at every step of its files, of which the same process takes one after the other.
	steps=index_file/index_writer_open/made:1,index_file/index_writer_done/filled:2,index_file/index_writer_done/summed:1
	steps=$steps,index_file/index_writer_done/before_rename:2,index_file/index_writer_done/after_rename:1
	steps=$steps,index_file/index_writer_done/synced:1,index/build_install/before_unlink:1
	begin index "$steps"
	wait
	judge all "nine points in one run" 9
	judge index "seven steps of the duplicate index" 7
	report
fi

# The supervisor itself, and what it does before there are roles, is up_test.sh's and start_cut.sh's.
number=0 width=2
for line in $(sort "$work/fp-calm/trace" | uniq -c | awk '{ print $2 ":" $1 }'); do
	point=${line%:*} count=${line##*:}
	case $point in genesis/* | migrate/* | cluster/*) continue ;; esac
	echo "$point" | grep -q -e "$wanted" || continue
	echo "$point:$(((count + 2) / 3))"
done >"$work/points"
# Entries of several kinds go through one place: more of its hits.
if echo vote_entry/vote_entry_append/before_append | grep -q -e "$wanted"; then
	echo vote_entry/vote_entry_append/before_append:2 >>"$work/points"
fi
total=$(grep -c '' "$work/points")
while [ "$number" -lt "$total" ]; do
	first=$number running=""
	while [ "$number" -lt "$total" ] && [ "$number" -lt $((first + width)) ]; do
		number=$((number + 1))
		begin "$number" "$(sed -n "${number}p" "$work/points")"
	done
	wait
	while [ "$first" -lt "$number" ]; do
		first=$((first + 1))
		judge "$first" "$(sed -n "${first}p" "$work/points")" 1
	done
done
report

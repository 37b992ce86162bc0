#!/bin/sh
# The first start, before there are roles to supervise: cut at each of its fail points, then simply started again.
WINNOW_BIN=$(dirname "${WINNOW_BIN:-$PWD/build/winnow}")/failpoints/winnow
. tests/cmd/node.sh

[ -x "$WINNOW_BIN" ] || {
	fail "$WINNOW_BIN is there: make FAILPOINTS=1 builds it"
	report
}
network_of() { curl -s --max-time 10 "$(node_url "$1")/v1/network" | sed -n 's/.*"network_id":"\([0-9a-f]*\)".*/\1/p'; }
mkdir -m 777 "$work/calm-fp"
export FAILPOINT_FOLDER="$work/calm-fp"
node_begin calm
check "an undisturbed start" node_ready calm || report
node_end calm
printf '%-52s %5s  %s\n' 'point' kills 'started again'
number=0
for point in $(sort -u "$work/calm-fp/trace" | grep -E '^(cluster|migrate|genesis)/'); do
	number=$((number + 1))
	name=cut-$number
	mkdir -m 777 "$work/$name-fp"
	export FAILPOINT_FOLDER="$work/$name-fp" FAILPOINT="$point:1"
	node_begin "$name"
	check "$point: the start is cut" await 60 gone "$(node_pid "$name")"
	wait "$(node_pid "$name")" 2>/dev/null
	node_begin "$name"
	again=yes
	node_ready "$name" || again=no
	check "$point: the next start goes through" [ "$again" = yes ]
	check "$point: there is a network" [ -n "$(network_of "$name")" ]
	check "$point: it killed once" [ "$(ls "$work/$name-fp" | grep -vc '^trace$')" = 1 ]
	printf '%-52s %5s  %s\n' "$point" "$(ls "$work/$name-fp" | grep -vc '^trace$')" "$again"
	node_end "$name"
	stop_server "$work/$name"
done
check "there were points" [ "$number" -ge 8 ]
report

#!/bin/sh
# The page in Debian's Chromium against a node of its own whose clock the test moves: see page_story.py.
winnow=${WINNOW_BIN:-$PWD/build/winnow}
for need in chromium chromedriver python3; do
	command -v $need >/dev/null || { echo "SKIP the page's test needs $need"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }
done
work=$(mktemp -d /tmp/winnow-page.XXXXXX) || exit 1
chmod 711 "$work"
state=$work/state node=
finish() {
	[ -z "$node" ] || { kill "$node" 2>/dev/null; wait "$node" 2>/dev/null; }
	"$winnow" down --node.state "$state" >/dev/null 2>&1
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM
"$winnow" up --node.state "$state" --serve.port 0 --clock manual >"$work/up.out" 2>"$work/up.log" &
node=$!
tries=0
until grep -q 'is ready' "$work/up.out"; do
	tries=$((tries + 1))
	[ $tries -lt 300 ] && kill -0 $node 2>/dev/null || { echo "FAIL the node did not start"; tail -n 5 "$work/up.log"; echo "0 passed, 1 failed, 0 skipped"; exit 1; }
	sleep 0.1
done
timeout 240 python3 tests/cmd/page_story.py "$winnow" "$state" "$work" >"$work/story" 2>&1
status=$?
cat "$work/story"
[ $status = 0 ] || tail -n 5 "$work/up.log" | sed 's/^/  /' >&2
exit $status

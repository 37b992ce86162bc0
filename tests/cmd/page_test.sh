#!/bin/sh
# The page in Debian's Chromium against a node of its own whose clock the test moves: page_story.py tells the story.
. tests/cmd/node.sh

for need in chromium chromedriver python3 minisign; do
	command -v "$need" >/dev/null || { skip "the page's story needs $need"; report; }
done
node_begin page --clock manual
node_ready page || { fail "a node starts for the page"; report; }
# Bounded as a whole too: each wait in it is already.
timeout -k 5 240 python3 tests/cmd/page_story.py "$winnow" "$work/page" "$work" >"$work/story" 2>&1
last=$(tail -n 1 "$work/story")
case $last in
[0-9]*" passed, "[0-9]*" failed, 0 skipped")
	sed '$d' "$work/story"
	passed=${last%% *} rest=${last#*, }
	failed=${rest%% *}
	[ "$failed" = 0 ] || tail -n 5 "$work/page.log" | sed 's/^/  /' ;;
*)
	cat "$work/story"
	fail "the page's story comes to its end" ;;
esac
report

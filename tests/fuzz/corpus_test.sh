#!/bin/sh
# The corpora through their entries without a fuzzer: what once was found stays found out, and no entry rots.
cd "$(dirname "$0")/../.." || exit 1
out=${WINNOW_BIN:-build/winnow}
out=$(dirname "$out")/replay
passed=0 failed=0
for entry in tests/fuzz/*_fuzz.c; do
	name=$(basename "$entry" _fuzz.c)
	count=$(find "tests/fuzz/corpus/$name" -type f 2>/dev/null | wc -l)
	if [ "$count" -ge 3 ] && "$out/$name" tests/fuzz/corpus/"$name"/* >"$out/$name.log" 2>&1 &&
		[ "$(tail -n 1 "$out/$name.log")" = "$count inputs" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL corpus: $name ($count seeds)"
		tail -n 20 "$out/$name.log" 2>/dev/null | sed 's/^/  /'
	fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]

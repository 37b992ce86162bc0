#!/bin/sh
# Runs every fuzz program for some seconds on its corpus: run.sh build/fuzz SECONDS. What is found anew stays below build/.
out=$1 seconds=$2 status=0
for entry in tests/fuzz/*_fuzz.c; do
	name=$(basename "$entry" _fuzz.c)
	seeds=tests/fuzz/corpus/$name
	mkdir -p "$out/found/$name"
	if [ ! -d "$seeds" ]; then
		echo "$name: no corpus in $seeds"
		status=1
		continue
	fi
	if "$out/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$out/found/$name-" "$out/found/$name" "$seeds" >"$out/$name.log" 2>&1; then
		echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$out/$name.log") inputs, nothing found"
	else
		status=1
		echo "$name: FAILED"
		tail -n 40 "$out/$name.log"
	fi
done
exit $status

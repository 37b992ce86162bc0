#!/bin/sh
# What needs a GPU, on a machine that may have nothing else: equality with the processor, the sanitizers, losing the
# GPU, times; last a report in Markdown, as docs/gpu/ keeps it. `make gpu-check` builds the two files that it takes:
# build/winnow_cuda.so and build/tests/gpu_check. Usage: sh ops/gpu_check.sh [FOLDER]; FOLDER (build) holds them.
cd "$(dirname "$0")/.." || exit 1
folder=${1:-build}
check=$folder/tests/gpu_check
report=$(mktemp) || exit 1
failed=0
trap 'rm -f "$report"' EXIT

about=$("$check" about) || { echo "$about"; exit 2; }
say() { printf '%s\n' "$@" | tee -a "$report"; }
# A step that is cut off after LIMIT seconds, or fails, is a line of the report like all others.
step() { # TITLE LIMIT COMMAND...
	say "" "## $1" ""
	limit=$2
	shift 2
	start=$(date +%s)
	out=$(timeout "$limit" "$@" 2>&1)
	status=$?
	# The tools speak in lines of "========= ": of those the last ones say all.
	printf '%s\n' "$out" | grep -v '^=========' | tee -a "$report"
	printf '%s\n' "$out" | grep '^=========' | tail -12 | sed 's/^/    /' | tee -a "$report"
	if [ $status = 124 ]; then
		say "FAILED: cut off after $limit s"
		failed=1
	elif [ $status != 0 ]; then
		say "FAILED: status $status"
		failed=1
	fi
	say "" "($(($(date +%s) - start)) s)"
}
sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer /opt/nvidia/*/compute-sanitizer 2>/dev/null | sed -n 1p)

say "# $about"
say "" "Driver $(nvidia-smi --query-gpu=driver_version --format=csv,noheader 2>/dev/null | sed -n 1p); $(nproc) cores: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sed -n 1p)."
step "Equal to the processor" 100 "$check" equal
step "Speed" 80 "$check" time
step "No memory left" 30 "$check" full
step "The GPU lost in the middle" 30 "$check" lost
if [ -n "$sanitizer" ]; then
	step "compute-sanitizer, memcheck" 60 "$sanitizer" --tool memcheck --error-exitcode 9 "$check" small
	step "compute-sanitizer, racecheck" 60 "$sanitizer" --tool racecheck --error-exitcode 9 "$check" small
else
	say "" "compute-sanitizer is not there: memory and races were not watched."
fi
say "" "$([ $failed = 0 ] && echo 'All held.' || echo 'Something failed; see above.')"
echo
echo "==== report ===="
cat "$report"
exit $failed

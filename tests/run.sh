#!/bin/sh
# Runs every test program one after another and adds up: the last line is "N passed, N failed, N skipped".
out=$1; shift
export WINNOW_BIN="$PWD/$out/winnow"
passed=0 failed=0 skipped=0 status=0
for program in "$@" tests/*/*_test.sh; do
	[ -f "$program" ] || continue
	started=$(date +%s)
	log="$out/tests/$(basename "$program").log"
	mkdir -p "$out/tests"
	# One that hangs is one that failed; sanitized builds need several times as long.
	case $program in *.sh) shell=sh ;; *) shell= ;; esac
	timeout -k 10 "${WINNOW_TEST_SECONDS:-1800}" $shell "$program" >"$log" 2>&1
	code=$?
	line=$(tail -n 1 "$log")
	case $line in
	[0-9]*" passed, "[0-9]*" failed, "[0-9]*" skipped")
		set_p=${line%% passed*}; rest=${line#*, }; set_f=${rest%% failed*}; rest=${rest#*, }; set_s=${rest%% skipped*}
		passed=$((passed + set_p)); failed=$((failed + set_f)); skipped=$((skipped + set_s))
		[ $code = 0 ] || [ "$set_f" != 0 ] || { failed=$((failed + 1)); line="$line, then exit status $code"; } ;;
	*) failed=$((failed + 1)); line="ended early with exit status $code" ;;
	esac
	echo "$(basename "$program"): $line ($(($(date +%s) - started)) s)"
	case $line in *" 0 failed, 0 skipped") ;; *) grep -E '^(FAIL|SKIP|  )' "$log" | head -n 60; case $line in ended*|*then*) tail -n 40 "$log" ;; esac ;; esac
done
[ $failed = 0 ] || status=1
echo "$passed passed, $failed failed, $skipped skipped"
exit $status

#!/bin/sh
# The HTTP API as strangers see it: openapi.json against behaviour, who may what, a log without secrets, metrics' form.
. tests/cmd/node.sh
foreign=$PWD/tests/foreign
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
# A program of checks: its last line counts, the lines before tell what failed.
judge() {
	python3 "$@" >"$work/out" 2>"$work/err"
	line=$(tail -n 1 "$work/out")
	case $line in
	*" passed, "*" failed, "*" skipped")
		passed=$((passed + ${line%% *})); rest=${line#*, }; failed=$((failed + ${rest%% *}))
		grep '^FAIL' "$work/out" ;;
	*) fail "$1 ended early" ;;
	esac
}
check "keys and genesis are written" python3 "$foreign/http_keys.py" "$work/keys" "$work/genesis"
node_begin open --clock manual --genesis "$work/genesis" --log.level debug --serve.access_log
check "the node is ready" node_ready open
url=$(node_url open)
judge "$foreign/openapi_check.py" "$url" "$work/open" "$work/keys"
report

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
state=$work/open
judge "$foreign/openapi_check.py" "$url" "$state" "$work/keys"
judge "$foreign/http_roles.py" "$url" "$state" "$work/keys"
judge "$foreign/metrics_check.py" "$url"

# ---- secrets: in requests, in key files, in what tells where the database is ----
judge "$foreign/canaries.py" plant "$url" "$state" "$work/keys"
: >"$work/passwords"
for database in "host=127.0.0.1 port=1 dbname=winnow user=cAnArYuser password=cAnArYplain" \
	"postgresql://somebody:cAnArYurl@127.0.0.1:1/winnow" "host=127.0.0.1 port=1 password='cAnArYopen" \
	"postgresql://somebody:cAnArYport@127.0.0.1:x/winnow" "cAnArYalone" "host=127.0.0.1 port=1 password=first cAnArYblank" \
	"postgresql://somebody:half@cAnArYhalf@127.0.0.1:1/winnow" "postgresql://somebody:cAnArYslash/rest@127.0.0.1:1/winnow" "host=127.0.0.1 port=1 passwort=cAnArYtypo"; do
	for command in serve seal migrate doctor; do
		WINNOW_DATABASE=$database timeout 20 "$winnow" $command --node.state "$work/away" --serve.port 0 --log.level debug >>"$work/passwords" 2>&1
	done
done
check "a database that cannot be reached is told" grep -q db_ "$work/passwords"
check "the node stops when asked" node_end open
judge "$foreign/canaries.py" find "$state" "$work/keys" "$work/open.log" "$work/open.say" "$work/passwords"
report

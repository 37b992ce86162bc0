#!/bin/sh
# Other people's tools judge what winnow speaks: `make test-ecosystem`, or ecosystem.sh FOLDER, where FOLDER holds the
# npm packages of tests/ecosystem/package.json. On one fresh node: both npm implementations of RFC 9421 sign requests in
# every legal spelling, and changed ones; a linter and ajv hold openapi.json and every answer; promtool reads /metrics;
# canonicalize, tweetnacl and an RFC 9162 of its own check the journal, receipts, claims and a dataset; minisign and
# sha256sum check its files with the commands that the node itself tells. Versions are exact and run on Node 18 and 20.
# To move one: edit package.json, run `npm install --package-lock-only` beside it, and take the `funding` members, which
# are addresses, out of the lock.
. tests/cmd/node.sh
tools=$1
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
for file in tests/ecosystem/package-lock.json tests/ecosystem/package.json tests/ecosystem/.npmrc; do
	check "$file names no host" sh -c "! grep -qE 'https?://|\"resolved\"' $file"
done

check "keys and genesis are written" python3 tests/foreign/http_keys.py "$work/keys" "$work/genesis"
node_begin judged --clock manual --genesis "$work/genesis"
check "the node is ready" node_ready judged
url=$(node_url judged)

# Modules are found beside the program that imports them, so the programs go where the packages are.
cp tests/ecosystem/*.mjs "$tools/" || exit 1
node "$tools/ecosystem.mjs" "$url" "$work/judged" "$work/keys" "$winnow" "$work" >"$work/out" 2>"$work/err"
line=$(tail -n 1 "$work/out")
case $line in
[0-9]*" passed, "*" failed, "*" skipped")
	passed=$((passed + ${line%% *})); rest=${line#*, }; failed=$((failed + ${rest%% *}))
	grep '^FAIL' "$work/out" ;;
*) fail "ecosystem.mjs ended early"; report ;;
esac

# ---- metrics, after all that was counted ----
if command -v promtool >/dev/null; then
	curl -s "$url/metrics" >"$work/metrics"
	check "a page of metrics came" grep -q '^winnow_http_requests_total' "$work/metrics"
	run promtool check metrics <"$work/metrics"
	judged_metrics() { promtool check metrics <"$work/$1" >"$work/out" 2>"$work/err"; }
	check "promtool finds nothing" judged_metrics metrics
	check "and has nothing to say" sh -c "! [ -s '$work/out' ] && ! [ -s '$work/err' ]"
	sed '/^# HELP winnow_http_requests_total/d' "$work/metrics" >"$work/helpless"
	check "promtool finds a family without help" sh -c "! promtool check metrics <'$work/helpless' >/dev/null 2>&1"
	sed 's/^winnow_http_requests_total/winnow_http_requests-total/' "$work/metrics" >"$work/misnamed"
	check "promtool finds a name that is none" sh -c "! promtool check metrics <'$work/misnamed' >/dev/null 2>&1"
else
	skip "promtool judges the metrics: there is no promtool"
fi

# ---- the released version, by what the node tells labs to run ----
mkdir "$work/lab"
judged_version() { (cd "$work/lab" && PATH=$work/bin:$PATH WINNOW_NODE=$url sh ../verify.sh) >"$work/out" 2>"$work/err"; }
for tool in 'minisign -Vm' 'sha256sum -c' 'winnow download' 'winnow verify'; do
	check "labs are told of $tool" grep -q "$tool" "$work/verify.sh"
done
check "the commands that labs are told succeed" judged_version
check "minisign says so" says "Signature and comment signature verified"
check "sha256sum says so" says "README.md: OK"
check "both downloads are the same files" diff -r "$work/version" "$work/lab/weather-1"
signed=$(sed -n 's/^minisign -Vm //p' "$work/verify.sh")
cp "$work/lab/weather-1/manifest.json" "$work/lab/whole"
sed -i 's/CC-BY-4.0/CC-BY-4.1/' "$work/lab/weather-1/manifest.json"
check "a changed manifest is refused by minisign" sh -c "cd '$work/lab' && ! minisign -Vm $signed >/dev/null 2>&1"
cp "$work/lab/whole" "$work/lab/weather-1/manifest.json"
sed -i '2s/ file/ File/; 3s/dataset/Dataset/; 3s/timestamp:1/timestamp:2/' "$work/lab/weather-1/manifest.json.minisig"
check "a changed trusted comment too" sh -c "cd '$work/lab' && ! minisign -Vm $signed >/dev/null 2>&1"
echo >>"$work/lab/weather-1/README.md"
check "a changed file is refused by sha256sum" sh -c "cd '$work/lab/weather-1' && ! sha256sum -c SHA256SUMS >/dev/null 2>&1"
check "the node stops when asked" node_end judged
report

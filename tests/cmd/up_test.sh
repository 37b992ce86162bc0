#!/bin/sh
# `winnow up` as people meet it: first start, second start, two starts at once, roles and supervisors that are killed, a port
# that is taken, a database of one's own, a clock that is moved by hand; as root and as a user without rights.
. tests/cmd/node.sh

# A role that was killed is back when another process has its name.
role_is_back() {
	role_now=$(role_of "$1" "$2")
	[ -n "$role_now" ] && [ "$role_now" != "$3" ]
}
ready_again() {
	address=$(cat "$work/$1/run/serve.address" 2>/dev/null) && [ "$(http "$address/readyz")" = 200 ]
}

# ---- the first start; a user without rights starts beside ----
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null && getent passwd nobody >/dev/null; then
	as=nobody as_group=$(id -g nobody)
	mkdir -m 700 "$work/home-nobody" && chown "nobody:$as_group" "$work/home-nobody"
	node_begin nobody
	as=
	unprivileged=yes
fi
node_begin first --clock manual
check "a first start is ready" node_ready first
supervisor=$(node_pid first)
url=$(node_url first)
check "the page answers" http_is 200 "$url/"
check "the page is a page" grep -qi '<!doctype html' "$work/body"
check "the node says that it lives" http_is 200 "$url/livez"
check "the node says that it is ready" http_is 200 "$url/readyz"
run "$winnow" status --node.state "$work/first"
expect 0 "status finds the node by its state folder" "are being judged"
run "$winnow" status --json --node.state "$work/first"
expect 0 "status as JSON" '"journal":{'
run "$winnow" doctor --node.state "$work/first"
expect 0 "the doctor finds nothing to mend" "All is well."
run "$winnow" up --node.state "$work/first"
expect 0 "a second start says that it runs already" "running already (process $supervisor): $url"
check "the roles run once each" [ "$(children_of "$supervisor" | wc -l)" = 8 ]

# ---- the clock ----
run "$winnow" clock --node.state "$work/first"
before=$(sed -n 's/.*(\([0-9]*\) ms).*/\1/p' "$work/out")
run "$winnow" clock --advance 90s --node.state "$work/first"
expect 0 "a manual clock moves by 90 s" "($((before + 90000)) ms)"
run "$winnow" clock --advance 90 seconds --node.state "$work/first"
expect 2 "a duration of two words is wrong use"
run "$winnow" clock --advance soon --node.state "$work/first"
expect 2 "a duration that is none is wrong use" "90s, 15m, 24h or 30d"

# ---- roles that are killed ----
for role in tally serve; do
	killed=$(role_of "$supervisor" $role)
	kill -9 "$killed"
	check "a killed $role comes back" await 20 role_is_back "$supervisor" $role "$killed"
	check "the node is ready again after $role was killed" await 20 ready_again first
done
check "what happened is told" grep -q '"event":"role_ended","role":"tally"' "$work/first.log"

# ---- a database of one's own, on a port that is taken ----
port=$(sed 's/.*://' "$work/first/run/serve.address")
psql=$(ls /usr/lib/postgresql/*/bin/psql 2>/dev/null | tail -n 1)
"${psql:-psql}" -q -h "$work/first/sock" -U winnow_owner -d winnow -c 'CREATE DATABASE another' >"$work/out" 2>"$work/err"
export WINNOW_DATABASE="host=$work/first/sock dbname=another"
node_begin own --serve.port "$port"
port_told() { grep -q 'serve_port_taken' "$work/own.log"; }
check "a taken port is told" await 30 port_told
check "and what to do about it" grep -q "choose another one with --serve.port" "$work/own.log"
check "a node whose port is taken stops when asked" node_end own
node_begin own
check "WINNOW_DATABASE is used" node_ready own
check "no server is made beside it" [ ! -e "$work/own/pg" ]
check "and none is kept" [ -z "$(role_of "$(node_pid own)" keep)" ]
run "$winnow" clock --advance 90s --node.state "$work/own"
expect 1 "the wall clock is not moved" "--clock manual"
check "a node on another's database stops when asked" node_end own
unset WINNOW_DATABASE

# ---- supervisors that end ----
roles=$(children_of "$supervisor")
node_end first INT
check "Ctrl-C ends the node with status 0" [ $? = 0 ]
check "Ctrl-C ends every role" gone $roles
run "$winnow" status --node "$url"
expect 3 "a node that is gone cannot be reached" "[fetch_unreachable]"
started=$(now_ms)
node_begin first
node_ready first
took=$(($(now_ms) - started))
echo "a second start is ready after $took ms"
check "a second start takes no time to speak of" [ "$took" -lt 3000 ]
supervisor=$(node_pid first)
roles=$(children_of "$supervisor")
kill -9 "$supervisor"
wait "$supervisor" 2>/dev/null
check "the roles of a killed supervisor end" await 20 gone $roles
node_begin first
check "a node whose supervisor was killed starts again" node_ready first
run "$winnow" down --node.state "$work/first"
expect 0 "down stops the node" "winnow stopped (process $(node_pid first))"
check "and its server" says "PostgreSQL stopped"
check "and waits for both" gone "$(node_pid first)"
check "no server is left" [ ! -e "$work/first/pg/postmaster.pid" ]
run "$winnow" down --node.state "$work/first"
expect 0 "down twice is fine" "PostgreSQL is not running"
run "$winnow" down --node.state "$work/never"
expect 0 "down where nothing ever was is fine" "PostgreSQL is not running"
check "and makes nothing there" [ ! -e "$work/never" ]

# ---- a node for a moment, stopped while it starts ----
servers() { for line in /proc/[0-9]*/cmdline; do tr '\0' ' ' 2>/dev/null <"$line" | grep -F "$work/brief/" | grep -F postgres; done; }
no_server() { [ -z "$(servers)" ]; }
for pause in 0.2 0.6 1.2; do
	node_begin brief --ephemeral
	sleep $pause
	# Told before it listens, it ends by the signal; later with status 0.
	node_end brief TERM
	check "a node that was told to stop after $pause s ends" gone "$(node_pid brief)"
	check "and leaves no server ($pause s)" await 10 no_server
done
echo '{"generosity":1}' >"$work/genesis.json"
rm -rf "$work/brief"
node_begin brief --ephemeral --genesis "$work/genesis.json"
check "a genesis that is none stops the start" await 20 gone "$(node_pid brief)"
check "with its code" grep -q '\[genesis_member\]' "$work/brief.log"
check "and no server stays" await 10 no_server

# ---- the user without rights ----
if [ -n "${unprivileged:-}" ]; then
	without_rights() { setpriv --reuid=nobody --regid="$as_group" --clear-groups env HOME="$work/home-nobody" "$@"; }
	check "a user without rights gets a node" node_ready nobody
	check "its page answers" http_is 200 "$(node_url nobody)/"
	check "its state lies in its home" [ -d "$work/home-nobody/.local/state/winnow/pg" ]
	run without_rights "$winnow" status
	expect 0 "its status needs no option" "$(node_url nobody)"
	run without_rights "$winnow" doctor
	expect 0 "its doctor finds nothing to mend" "All is well."
	check "it stops when asked" node_end nobody
	run without_rights "$winnow" down
	expect 0 "its server stops" "PostgreSQL stopped"
else
	skip "a user without rights gets a node: this needs root, setpriv and a user nobody"
fi
report

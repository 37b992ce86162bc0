# What the shell tests of nodes share: checks as sentences, nodes in temporary folders, an end that leaves nothing running.
# Read by `. tests/cmd/node.sh`; the programs that run are copies of $WINNOW_BIN.
if [ -z "${WINNOW_BIN:-}" ]; then
	WINNOW_BIN=$PWD/build/winnow
fi
for variable in $(env | sed -n 's/^\(WINNOW_[A-Z_]*\)=.*/\1/p'); do
	[ "$variable" = WINNOW_BIN ] || unset "$variable"
done
work=$(mktemp -d) || exit 1
# User postgres, and a user without rights, must get through to their own folders below.
chmod 711 "$work"
passed=0 failed=0 skipped=0
nodes=""
winnow=$work/bin/winnow

pass() { passed=$((passed + 1)); }
fail() {
	failed=$((failed + 1))
	echo "FAIL $*"
	sed 's/^/  out: /' "$work/out" 2>/dev/null | tail -n 12 | cut -c 1-300
	sed 's/^/  err: /' "$work/err" 2>/dev/null | tail -n 12 | cut -c 1-300
}
skip() {
	skipped=$((skipped + 1))
	echo "SKIP $*"
}
# check "sentence" command...: the sentence holds when the command succeeds.
check() {
	sentence=$1
	shift
	if "$@"; then pass; else fail "$sentence"; fi
}
# Runs a command for the checks that follow: exit status in $status, output in $work/out and $work/err.
run() {
	status=0
	"$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
}
ended() { [ "$status" = "$1" ]; }
says() { grep -qF -e "$1" "$work/out"; }
warns() { grep -qF -e "$1" "$work/err"; }
# expect STATUS "sentence" [TEXT]: of the last run; TEXT stands in what it printed.
expect() {
	if [ "$status" != "$1" ]; then
		fail "$2 (exit status $status, not $1)"
	elif [ -n "${3:-}" ] && ! says "$3" && ! warns "$3"; then
		fail "$2 (nothing says: $3)"
	else
		pass
	fi
}
# await SECONDS command...: tries until it succeeds.
await() {
	tries=$(($1 * 20))
	shift
	while ! "$@"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.05
	done
}
now_ms() { echo $(($(date +%s%N) / 1000000)); }
# The string or number member NAME of the JSON object in the last run's output or of a file.
member() { sed -n "s/.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/p" "${2:-$work/out}" | tail -n 1; }

# ---- processes -------------------------------------------------------------------------------------------------

alive() {
	[ -r "/proc/$1/stat" ] && ! grep -q ') [ZX] ' "/proc/$1/stat" 2>/dev/null
}
gone() { for pid in "$@"; do ! alive "$pid" || return 1; done; }
children_of() {
	for stat in /proc/[0-9]*/stat; do
		read -r line 2>/dev/null <"$stat" || continue
		rest=${line##*) }
		# state, parent, ...
		rest=${rest#* }
		[ "${rest%% *}" != "$1" ] || echo "${line%% *}"
	done
}
# The process of a role of the node whose supervisor is PID.
role_of() {
	for child in $(children_of "$1"); do
		[ "$(tr '\0' ' ' 2>/dev/null <"/proc/$child/cmdline")" != "winnow $2 " ] || echo "$child"
	done
}

# ---- nodes -----------------------------------------------------------------------------------------------------

# node_begin NAME [OPTION...]: `winnow up` on $work/NAME in the background; as user $as when that is set.
node_begin() {
	name=$1
	shift
	: >"$work/$name.say"
	if [ -n "${as:-}" ]; then
		(exec setpriv --reuid="$as" --regid="$as_group" --clear-groups env HOME="$work/home-$name" "$winnow" up \
			--serve.port 0 "$@" >"$work/$name.say" 2>>"$work/$name.log" </dev/null) &
	else
		(exec "$winnow" up --node.state "$work/$name" --serve.port 0 "$@" >"$work/$name.say" 2>>"$work/$name.log" </dev/null) &
	fi
	echo $! >"$work/$name.pid"
	case " $nodes " in *" $name "*) ;; *) nodes="$nodes $name" ;; esac
}
node_pid() { cat "$work/$1.pid"; }
node_is_ready() { grep -q 'is ready after' "$work/$1.say" || ! alive "$(node_pid "$1")"; }
# Waits for the line that people wait for; false when the node ended instead or took more than a minute.
node_ready() {
	await 60 node_is_ready "$1"
	grep -q 'is ready after' "$work/$1.say" && return 0
	echo "  $1 is not ready:"
	tail -n 12 "$work/$1.log" | cut -c 1-300 | sed 's/^/  /'
	return 1
}
node_url() { sed -n 's/.*is ready after [0-9]* ms: //p' "$work/$1.say" | tail -n 1; }
node_end() {
	kill -"${2:-INT}" "$(node_pid "$1")" 2>/dev/null
	await 30 gone "$(node_pid "$1")" && wait "$(node_pid "$1")"
}
http() { curl -s -o "$work/body" -w '%{http_code}' --max-time 10 "$@" 2>/dev/null; }
http_is() { [ "$(http "$2")" = "$1" ]; }

# What a sanitizer or an assertion says goes to the log, and a supervisor would hide it by starting the role again.
quiet() { ! grep -E 'Sanitizer|runtime error:|broken promise' "$work/$1.log"; }

# ---- the end ---------------------------------------------------------------------------------------------------

node_clean() {
	trap '' INT TERM HUP
	for name in $nodes; do
		pid=$(node_pid "$name" 2>/dev/null) || continue
		! alive "$pid" || node_end "$name" TERM || kill -9 "$pid" 2>/dev/null
		for state in "$work/$name" "$work/home-$name/.local/state/winnow"; do
			[ ! -f "$state/pg/postmaster.pid" ] || stop_server "$state"
		done
	done
	rm -rf "$work"
}
# Whoever made the server may stop it.
stop_server() {
	owner=$(stat -c %u "$1/pg.lock")
	if [ "$owner" = "$(id -u)" ]; then
		"$winnow" down --node.state "$1" >/dev/null 2>&1
	else
		setpriv --reuid="$owner" --regid="$(stat -c %g "$1/pg.lock")" --clear-groups "$winnow" down --node.state "$1" >/dev/null 2>&1
	fi
}
report() {
	for name in $nodes; do
		check "no program of $name broke a promise" quiet "$name"
	done
	node_clean
	trap - EXIT
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" = 0 ]
	exit
}
trap node_clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
mkdir -m 755 "$work/bin" && cp "$WINNOW_BIN" "$winnow" || exit 1

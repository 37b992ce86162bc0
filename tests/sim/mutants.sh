#!/bin/sh
# Wrong rules, one at a time: mutants.sh BUILD [part of a name]. CC, CFLAGS, LDFLAGS and LIBS come from the Makefile.
# Each mutant of mutants.txt is one line of one file changed in a copy; what it is linked into must notice.
build=$1
operations=400000
seconds=120
floors='vote reward ingest gpu_embed dataset web core'
pure='vote/tally vote/close vote/ballot vote/beacon vote/commitment vote/gold vote/panel vote/seat_bond
	vote/sortition reward/claims reward/emission reward/ledger reward/pay reward/shares reward/vesting'

objects() { # DIRECTORY: the objects of its sources
	for source in "$1"/*.c; do echo "$build/obj/${source%.c}.o"; done
}
libraries() { for floor in $floors; do echo "$build/lib/lib$floor.a"; done; }
compile() { # SOURCE OBJECT FOLDER-OF-CHANGED-HEADERS
	$CC -I"$3" $CFLAGS -w -c "$1" -o "$2"
}
link() { # PROGRAM OBJECT...: changed objects come first, so that no library offers the same names
	program=$1; shift
	$CC $LDFLAGS -o "$program" "$@" $(libraries) $LIBS
}

# The file of the mutant in $dir with its line changed; fails when the line is not there just once.
change() {
	awk -v dir="$dir" -v which="$(cat "$dir/occurrence")" '
		BEGIN { getline old < (dir "/old"); getline new < (dir "/new") }
		{ line = $0; sub(/^[ \t]+/, "", line) }
		line == old { seen++; if (seen == which || which == 0) { match($0, /^[ \t]*/); $0 = substr($0, 1, RLENGTH) new } }
		{ print }
		END { exit !(which > 0 ? seen >= which : seen == 1) }' "$file" >"$changed"
}

# The object files that stand in for changed ones, in $replaced; what a changed header reaches is compiled anew.
rebuild() {
	replaced=
	case $file in
	*.h) sources=$(for part in $pure; do echo "$part.c"; done) ;;
	*) sources=$changed ;;
	esac
	for source in $sources; do
		object=$dir/$(basename "${source%.c}").o
		compile "$source" "$object" "$dir/include" 2>"$dir/log" || return 1
		replaced="$replaced $object"
	done
}

judge_sim() { # what runs, and who may notice: a list of oracles with commas
	others=$(objects tests/sim | grep -v "/${file%.c}.o$")
	link "$dir/sim" $replaced $others 2>"$dir/log" || { echo 'does not link'; return; }
	case $killer in
	model) set -- --total $operations --jobs 1 --quick ;;
	incentives) set -- --incentives ;;
	*) set -- --total $operations --jobs 1 --quick --without model ;;
	esac
	timeout -k 5 $seconds "$dir/sim" "$@" >"$dir/out" 2>"$dir/log"
	code=$?
	[ $code != 0 ] || { echo 'SURVIVED'; return; }
	[ $code != 124 ] || { echo 'ran out of time'; return; }
	told=$(sed -n 's/.*oracle \([a-z_]*\)[, ].*operation \([0-9]*\).*/\1 \2/p' "$dir/out" "$dir/log" | tail -n 1)
	oracle=${told% *}
	case ",$killer," in
	*,"$oracle",*) echo "killed by $oracle" ;;
	*) echo "noticed by ${oracle:-nobody, exit status $code}, not by $killer" ;;
	esac
}
judge_test() { # test:PROGRAM:PART-OF-A-NAME
	rest=${killer#test:}
	folder=${rest%%_test:*} part=${rest#*:}
	link "$dir/test" $replaced $(objects "tests/$folder") $(objects tests) -lcunit 2>"$dir/log" || {
		echo 'does not link'; return; }
	timeout -k 5 $seconds "$dir/test" "$part" >"$dir/out" 2>&1
	code=$?
	case $(tail -n 1 "$dir/out") in
	'0 passed, 0 failed'*) echo "no test is called $part" ;;
	*) [ $code = 0 ] && echo 'SURVIVED' || echo "killed by $rest" ;;
	esac
}
one() { # DIRECTORY
	dir=$1
	file=$(cat "$dir/file") killer=$(cat "$dir/killer")
	case $file in *.h) changed=$dir/include/$file ;; *) changed=$dir/$(basename "$file") ;; esac
	mkdir -p "$(dirname "$changed")" "$dir/include"
	if ! change; then echo 'its line is not there'
	elif ! rebuild; then echo 'does not compile'
	else
		case $killer in test:*) judge_test ;; *) judge_sim ;; esac
	fi >"$dir/verdict"
	rm -f "$dir/sim" "$dir/test" "$dir"/*.o
}
if [ "$1" = --one ]; then
	build=$2
	one "$3"
	exit 0
fi

work=$build/mutants
rm -rf "$work"
mkdir -p "$work"
awk -v work="$work" -v part="$2" '
	/^mutant / && index($2, part) {
		dir = sprintf("%s/%03d-%s", work, ++count, $2)
		system("mkdir -p " dir)
		print $2 > (dir "/name"); print $3 > (dir "/file"); print $4 > (dir "/killer"); print $5 + 0 > (dir "/occurrence")
	}
	/^mutant / && !index($2, part) { dir = "" }
	dir && /^- / { print substr($0, 3) > (dir "/old") }
	dir && /^\+ / { print substr($0, 3) > (dir "/new") }' tests/sim/mutants.txt

# What is not changed must hold, or every mutant would look killed.
started=$(date +%s)
for arguments in "--total $operations --jobs 1 --quick" "--total $operations --jobs 1 --quick --without model" --incentives; do
	"$build/tests/sim" $arguments >"$work/log" 2>&1 || { tail -n 5 "$work/log"; echo "the simulation itself breaks: $arguments"; exit 1; }
done
for killer in $(sed -n 's/^mutant .* \(test:[a-z_:]*\).*/\1/p' tests/sim/mutants.txt | sort -u); do
	rest=${killer#test:}
	"$build/tests/${rest%%:*}" "${rest#*:}" >"$work/log" 2>&1 || { tail -n 5 "$work/log"; echo "$rest fails by itself"; exit 1; }
done
ls -d "$work"/*/ | xargs -P "$(nproc)" -I{} sh tests/sim/mutants.sh --one "$build" {}

killed=0 left=0
for dir in "$work"/*/; do
	verdict=$(cat "$dir/verdict")
	printf '%-34s %-20s %s\n' "$(cat "$dir/name")" "$(cat "$dir/file")" "$verdict"
	case $verdict in killed*) killed=$((killed + 1)) ;; *) left=$((left + 1)) ;; esac
done
echo "$killed of $((killed + left)) mutants killed in $(($(date +%s) - started)) s"
[ $left = 0 ] && [ $killed -gt 0 ]

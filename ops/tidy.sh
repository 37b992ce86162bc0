#!/bin/sh
# House rules that a machine can check: floors, file names unique, first sentence, guest libraries in their host only.
cd "$(dirname "$0")/.." || exit 1
bad=0
say() { echo "tidy: $*"; bad=1; }
below() {
	case $1 in
	core) echo core ;;
	web) echo web core ;;
	ingest | gpu_embed | dataset) echo "$1" web core ;;
	reward) echo reward ingest gpu_embed dataset web core ;;
	vote) echo vote reward ingest gpu_embed dataset web core ;;
	cmd) echo cmd vote reward ingest gpu_embed dataset web core ;;
	esac
}
for folder in core web ingest gpu_embed dataset reward vote cmd; do
	allowed=" $(below $folder) "
	for file in "$folder"/*.[ch] "$folder"/*.cu; do
		[ -f "$file" ] || continue
		for inc in $(sed -n 's/^#include "\([^"]*\)".*/\1/p' "$file"); do
			case $inc in
			sql_*.h) from=$(echo "$inc" | sed 's/^sql_\(.*\)\.h$/\1/')
				case $file in *_store.c | core/journal.c | core/clock.c | core/db.c | core/migrate.c | core/account.c | core/worker.c) ;; *) say "$file: only *_store.c may use $inc" ;; esac
				[ "$from" = "$folder" ] || say "$file uses another folder's statements: $inc" ;;
			migrations.h) [ "$file" = core/migrate.c ] || say "$file: $inc belongs to core/migrate.c" ;;
			roles.h) [ "$file" = core/cluster.c ] || say "$file: $inc belongs to core/cluster.c" ;;
			page_files.h | openapi_parts.h) [ "$folder" = web ] || say "$file: $inc belongs to web/" ;;
			*/*) case $allowed in *" ${inc%%/*} "*) ;; *) say "$file climbs: $inc" ;; esac
				[ -f "$inc" ] || say "$file includes $inc, which is not there" ;;
			*) say "$file: include from the root: $inc" ;;
			esac
		done
		case $(sed -n 1p "$file") in '/* '*) ;; *) say "$file does not open with the sentence that says what it is for" ;; esac
	done
done
for file in core/*.c web/*.c ingest/*.c gpu_embed/*.c dataset/*.c reward/*.c vote/*.c cmd/*.c; do
	[ -f "$file" ] || continue
	header=${file%.c}.h
	if [ -f "$header" ]; then
		first=$(sed -n 's/^#include [<"]\([^>"]*\)[>"].*/\1/p' "$file" | sed -n 1p)
		[ "$first" = "$header" ] || say "$file includes $first before its own header $header"
	fi
	grep -q 'libpq-fe.h' "$file" && [ "$file" != core/db.c ] && say "$file: libpq lives in core/db.c"
	grep -q 'curl/curl.h' "$file" && [ "$file" != core/fetch.c ] && say "$file: libcurl lives in core/fetch.c"
	grep -q '<sodium' "$file" && [ "$file" != core/sign.c ] && [ "$file" != core/hash.c ] && say "$file: libsodium lives in core/sign.c"
	grep -q '<h2o' "$file" && case $file in web/*) ;; *) say "$file: h2o lives in web/" ;; esac
	grep -q '<yajl' "$file" && [ "$file" != core/json.c ] && say "$file: yajl lives in core/json.c"
done
for folder in vote reward; do
	for file in "$folder"/*.c; do
		[ -f "$file" ] || continue
		grep -nE '\b(double|float)\b' "$file" /dev/null | grep -v '^\S*:[0-9]*:\s*[/*]' && say "$file: no floating point in $folder/"
	done
done
twice=$(find core web ingest gpu_embed dataset reward vote cmd -name '*.c' -o -name '*.h' | xargs -r -n1 basename | sort | uniq -d | tr '\n' ' ')
[ -z "$twice" ] || say "file names are unique in the whole tree: $twice"
grep -nE 'T[O]DO|F[I]XME|X[X]X' -r core web ingest gpu_embed dataset reward vote cmd sql ops tests --include='*.[ch]' --include='*.sql' --include='*.sh' --include='*.js' && say "unfinished marks"
[ $bad = 0 ] && echo "tidy: clean"
exit $bad

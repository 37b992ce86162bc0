#!/bin/sh
# Prints the schema of a migrated database without what differs from server to server: dump_schema.sh 'host=... dbname=... user=...'
dump=$(ls -d /usr/lib/postgresql/*/bin/pg_dump 2>/dev/null | sort -t/ -k5 -n | tail -n 1)
[ -n "$dump" ] || dump=pg_dump
major=$("$dump" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
text=$("$dump" --schema-only --no-owner --no-comments --restrict-key=winnow -d "$1" 2>/dev/null) ||
	text=$("$dump" --schema-only --no-owner --no-comments -d "$1") || exit 1
printf -- '-- The whole schema as the migrations make it (pg_dump %s). Written by `make schema`; never edited.\n' "$major"
printf '%s\n' "$text" | grep -vE '^(--|SET |SELECT pg_catalog\.set_config|\\(un)?restrict|$)'

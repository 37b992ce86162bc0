#!/bin/sh
# Embeds files: `files_to_c.sh page_file a b` prints an array of {name, bytes, count} named page_files.
kind=$1; shift
printf '/* Made by ops/files_to_c.sh: do not edit. */\n#pragma once\n#include <stddef.h>\n'
n=0
for f in "$@"; do
	printf 'static const unsigned char %s_%d[] = {\n' "$kind" "$n"
	od -An -v -tx1 "$f" | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g'
	printf '0x00 };\n'
	n=$((n + 1))
done
printf 'static const struct { const char *name; const unsigned char *bytes; size_t count; } %ss[] __attribute__((unused)) = {\n' "$kind"
n=0
for f in "$@"; do
	printf '\t{ "%s", %s_%d, sizeof(%s_%d) - 1 },\n' "$(basename "$f")" "$kind" "$n" "$kind" "$n"
	n=$((n + 1))
done
printf '\t{ NULL, NULL, 0 }\n};\n'

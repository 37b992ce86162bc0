#!/bin/sh
# Prints compile_commands.json for editors and linters: compile_commands.sh 'gcc flags' a.c b.c
command=$(printf '%s' "$1" | sed 's/\\/\\\\/g; s/"/\\"/g'); shift
dir=$(pwd); sep='['
for f in "$@"; do
	printf '%s\n{"directory":"%s","file":"%s","command":"%s -c %s"}' "$sep" "$dir" "$f" "$command" "$f"; sep=,
done
printf '\n]\n'

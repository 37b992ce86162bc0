# Turns sql/queries/<folder>.sql into C: each "-- name: cast_vote" becomes SQL_<FOLDER>_CAST_VOTE.
function flush_statement(    n, i, m, text) {
	if (name == "") return
	text = body
	sub(/[;[:space:]]+$/, "", text)
	m = 0
	for (i = 1; i <= 32; i++) if (text ~ ("\\$" i "([^0-9]|$)")) m = i
	gsub(/\\/, "\\\\", text); gsub(/"/, "\\\"", text); gsub(/\n/, "\\n\"\n\t\"", text)
	printf "static const struct sql_statement SQL_%s_%s __attribute__((unused)) = {\n\t\"%s_%s\",\n\t\"%s\",\n\t%d };\n", toupper(folder), toupper(name), folder, name, text, m
	names = names "\t&SQL_" toupper(folder) "_" toupper(name) ",\n"
	name = ""; body = ""
}
BEGIN { print "/* Made from sql/queries/" folder ".sql: do not edit. */\n#pragma once\n#include \"core/db.h\"" }
/^-- name: / { flush_statement(); name = $3; body = ""; next }
/^[ \t]*--/ { next }
/^[ \t]*$/ { next }
{ if (name != "") body = body (body == "" ? "" : "\n") $0 }
END {
	flush_statement()
	printf "static const struct sql_statement *const sql_%s_all[] __attribute__((unused)) = {\n%s\tNULL\n};\n", folder, names
}

#!/bin/sh
# `winnow dedup` as a data engineer meets it: bad lines, gzip, pipes, threads; and its verdicts before an independent reader.
data=${WINNOW_DATA:-}
. tests/cmd/node.sh

python3 - "$work/posts.ndjson" <<'END'
import json, random, sys
draw = random.Random(20260303)
words = ["".join(draw.choice("abcdefghijklmnopqrstuvwxyzäößéñжщ日本雨") for _ in range(draw.randint(2, 9))) for _ in range(900)]
lines, texts = [], []
for number in range(3000):
    kind = draw.random()
    if texts and kind < 0.08:
        text = draw.choice(texts)
    elif texts and kind < 0.12:
        text = "  " + draw.choice(texts).upper().replace(" ", " \t ")
    elif texts and kind < 0.35:
        some = draw.choice(texts).split(" ")
        for _ in range(draw.randint(1, 3)):
            some[draw.randrange(len(some))] = draw.choice(words)
        text = " ".join(some)
    else:
        text = " ".join(draw.choice(words) for _ in range(draw.choice([1, 3, 12, 25, 40])))
    texts.append(text)
    lines.append(json.dumps({"id": draw.choice(["p%d" % number, number]), "text": text, "deep": {"er": text}}, ensure_ascii=number % 2 == 0).encode())
# Lines that are none, between good neighbours.
lines[100] = b'{"id": 100, "text": "cut off'
lines[200] = b""
lines[201] = b"   "
lines[300] = b'{"id": "no text"}'
lines[301] = b'{"id": [1], "text": 7}'
lines[302] = b"7"
lines[303] = b"\xff\xfe\x00"
lines[400] = b'{"text": "\xc3\x28"}'
lines[401] = b'{"text": "' + b"x" * 1100000 + b'"}'
lines[402] = b'{"text": "a", "text": "b"}'
lines[500] = json.dumps({"text": "long " * 3000}).encode()
lines[501] = json.dumps({"text": "long " * 3000}).encode()
lines[502] = b'{"text": ""}'
lines[503] = b'{"text": "tab\\tand \\u0000 and \\ud83c\\udf27"}\r'
open(sys.argv[1], "wb").write(b"\n".join(lines))
END
lines_of() { sed '$d' "$1"; }
same_lines() { lines_of "$1" >"$work/a" && lines_of "$2" >"$work/b" && cmp -s "$work/a" "$work/b"; }

run "$winnow" dedup "$work/posts.ndjson" --json
cp "$work/out" "$work/one"
expect 0 "a file with bad lines comes to its end" '{"summary":{"lines":3000,'
check "a line for a line, and a summary" [ "$(grep -c '' "$work/one")" = 3001 ]
check "nothing else is said" [ ! -s "$work/err" ]
check "ten lines are bad" [ "$(member bad "$work/one")" = 10 ]
code_is() { sed -n "${1}p" "$work/one" | grep -q "^{\"line\":$1,\"id\":$2,\"code\":\"$3\","; }
check "a cut line has its code" code_is 101 null json_syntax
check "an empty one" code_is 201 null dedup_blank
check "one of blanks" code_is 202 null dedup_blank
check "one without a text" code_is 301 '"no text"' dedup_no_text
check "one whose text is a number" code_is 302 null dedup_no_text
check "one that is no object" code_is 303 null dedup_no_text
check "one that is not UTF-8" code_is 401 null json_utf8
check "one of a megabyte" code_is 402 null dedup_long
check "one that names its text twice" code_is 403 null json_duplicate
check "neighbours of bad lines have their verdicts" [ "$(sed -n '100p;102p;300p;400p;404p' "$work/one" | grep -c '"method"')" = 5 ]
check "long texts are compared by their bytes" [ "$(sed -n 502p "$work/one" | sed 's/.*"origin"/"origin"/')" = '"origin":501,"cluster":501,"method":"exact","numerator":1,"denominator":1}' ]
for method in none exact norm minhash; do
	check "there are verdicts $method" [ "$(grep -c "\"method\":\"$method\"" "$work/one")" -gt 50 ]
done

# ---- the same whatever the way ----
gzip -c "$work/posts.ndjson" >"$work/posts.ndjson.gz"
{ head -n 1000 "$work/posts.ndjson" | gzip -c; tail -n +1001 "$work/posts.ndjson" | gzip -c; } >"$work/members.gz"
for threads in 1 2 5; do
	run "$winnow" dedup "$work/posts.ndjson.gz" --threads "$threads" --out "$work/other" --json
	expect 0 "gzip, $threads threads" "\"threads\":$threads,"
	check "the same lines with $threads threads" same_lines "$work/one" "$work/other"
done
run "$winnow" dedup "$work/members.gz" --json
check "gzip of two members gives the same" same_lines "$work/one" "$work/out"
"$winnow" dedup - --json <"$work/posts.ndjson.gz" >"$work/other" 2>"$work/err"
check "the standard input gives the same" same_lines "$work/one" "$work/other"
run "$winnow" dedup "$work/posts.ndjson" --field deep.er --out "$work/other"
expect 0 "a member within" "texts repeat an earlier one"
check "without --json the summary in words goes to the output" [ "$(grep -c '^{' "$work/out")" = 0 ]
check "and gives the same, where it is there" [ "$(sed -n 50p "$work/other")" = "$(sed -n 50p "$work/one")" ]
run "$winnow" dedup "$work/posts.ndjson" --threshold 1/2 --json
cp "$work/out" "$work/half"
check "a lower threshold finds more" [ "$(member minhash "$work/half")" -gt "$(member minhash "$work/one")" ]

# ---- what goes wrong ----
head -c 20000 "$work/posts.ndjson.gz" >"$work/cut.gz"
run "$winnow" dedup "$work/cut.gz" --json
expect 1 "a cut gzip file is a failure" "dedup_gzip"
check "told behind what could be read" [ "$(grep -c '"method"' "$work/out")" -gt 100 ]
check "of which the verdicts are the same" [ "$(sed -n 90p "$work/out")" = "$(sed -n 90p "$work/one")" ]
run "$winnow" dedup "$work/nowhere" --json
expect 1 "a file that is not there" file_open
run "$winnow" dedup "$work"
expect 1 "a folder" file_open
for wrong in 0 1.1 x 7/0 8/7 -1 0.; do
	run "$winnow" dedup "$work/posts.ndjson" --threshold="$wrong"
	expect 2 "threshold $wrong" dedup_threshold
done
run "$winnow" dedup
expect 2 "no file" "usage: winnow dedup FILE"
run "$winnow" dedup --help
expect 0 "help tells the format" '"method":"minhash"'
: >"$work/nothing"
run "$winnow" dedup "$work/nothing" --json
expect 0 "an empty file" '{"summary":{"lines":0,"texts":0,'
if [ -c /dev/full ]; then
	run "$winnow" dedup "$work/posts.ndjson" --out /dev/full --json
	expect 1 "a full disk" dedup_write
fi

# ---- an independent reader ----
verify() { run python3 tests/foreign/dedup_verify.py "$@"; }
verify "$work/posts.ndjson" "$work/one" --sample 400
expect 0 "the verdicts hold before an independent reader" " 0 failures"
verify "$work/posts.ndjson" "$work/half" --threshold 1/2 --sample 200 --recall 0.5
expect 0 "those of another threshold too" " 0 failures"
# And the reader notices what is wrong.
spoil() {
	sed "$2" "$work/one" >"$work/spoiled"
	check "something was spoiled: $1" [ -n "$(cmp "$work/one" "$work/spoiled" 2>&1)" ]
	verify "$work/posts.ndjson" "$work/spoiled" --sample 3000
	expect 1 "the reader notices $1" "FAIL"
}
head -n 700 "$work/posts.ndjson" >"$work/few.ndjson"
run "$winnow" dedup "$work/few.ndjson" --json
cp "$work/out" "$work/one"
mv "$work/few.ndjson" "$work/posts.ndjson"
near=$(grep -n '"minhash"' "$work/one" | sed -n '20s/:.*//p')
exact=$(grep -n '"exact"' "$work/one" | sed -n '9s/:.*//p')
spoil "another numerator" "${near}s/\"numerator\":/&1/"
spoil "another origin" "${exact}s/\"origin\":[0-9]*/\"origin\":1/"
spoil "a method that is not so" "${exact}s/\"exact\"/\"norm\"/"
spoil "a repetition that was hidden" "${exact}s/\"origin.*/\"origin\":$exact,\"cluster\":$exact,\"method\":\"none\",\"numerator\":0,\"denominator\":1}/"
spoil "a line that is gone" "${near}d"

if [ -n "$data" ] && [ -f "$data/social/crisis_posts.ndjson.gz" ]; then
	run "$winnow" dedup "$data/social/crisis_posts.ndjson.gz" --out "$work/posts" --json
	expect 0 "44,228 real posts" '"texts":44228,"bad":0,'
	verify "$data/social/crisis_posts.ndjson.gz" "$work/posts" --sample 500
	expect 0 "and their verdicts hold" " 0 failures"
else
	skip "real posts: there is no shared/data beside the checkout"
fi
report

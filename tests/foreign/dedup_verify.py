#!/usr/bin/env python3
"""Checks what `winnow dedup` said of a file, with nothing but Python's standard library and docs/dedup.md.

  dedup_verify.py INPUT OUTPUT [--field NAME] [--threshold N/D] [--sample LINES] [--recall R]

INPUT is what was given to winnow dedup (plain or gzip), OUTPUT what it wrote. Of every verdict, or of --sample of them:
  - an exact one names an earlier line with the same text, a normalised one with the same normalised text and another text;
  - a MinHash one names an earlier line of which the shingle sets, counted here, have just the numerator and denominator
    that are told, and reach the threshold; their figures do not keep the two apart;
  - an origin is itself the first of its kind, and the cluster the least line that is no later than the origin;
and, over all pairs of a sample of first ones (all of them without --sample): how many repeat an earlier first one after
all. Bands of MinHash may miss such a pair: it is reported, and more of them than --recall (0.99) allows is a failure, as
is one in whose texts the same words stand, or one that reaches 19/20.

The normalisation and the shingles are those of minhash_oracle.py, which shares no line with the C. Texts with code points
that Python's Unicode does not know yet are left out and counted.
"""
import functools
import gzip
import json
import random
import sys

import minhash_oracle as oracle

oracle.fold = functools.lru_cache(maxsize=None)(oracle.fold)


def lines_of(path):
    with open(path, "rb") as file:
        head = file.read(2)
    opener = gzip.open if head == b"\x1f\x8b" else open
    with opener(path, "rb") as file:
        data = file.read()
    lines = data.split(b"\n")
    if lines and not lines[-1]:
        lines.pop()
    return lines


class Checker:
    def __init__(self, lines, field, numerator, denominator):
        self.lines, self.field = lines, field
        self.n, self.d = numerator, denominator
        self.cache = {}
        self.failures = []
        self.unknown = set()

    def text(self, number):
        """The text of a line, or None where it has none."""
        try:
            value = json.loads(self.lines[number - 1])
        except (ValueError, RecursionError):
            return None
        for name in [self.field] if isinstance(value, dict) and self.field in value else self.field.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        return value if isinstance(value, str) else None

    def post(self, number):
        if number not in self.cache:
            text = self.text(number)
            known = text is not None and oracle.assigned(text)
            post = oracle.Post(text) if known else None
            # Longer texts than the specification normalises are compared by their bytes.
            if known and len(text.encode()) > 8192:
                post.normal, post.shingles, post.near = text, set(), False
            if text is not None and not known:
                self.unknown.add(number)
            self.cache[number] = post
        return self.cache[number]

    def fail(self, row, why):
        self.failures.append("line %d: %s: %s" % (row["line"], why, json.dumps(row)))

    def verdict(self, row, methods):
        line, origin, method = row["line"], row["origin"], row["method"]
        fraction = (row["numerator"], row["denominator"])
        if method == "none":
            if origin != line or row["cluster"] != line or fraction != (0, 1):
                self.fail(row, "a first one names another")
            return
        if not 1 <= origin < line or methods.get(origin) != "none":
            self.fail(row, "the origin is no earlier first one")
            return
        if not 1 <= row["cluster"] <= line or methods.get(row["cluster"]) != "none":
            self.fail(row, "the cluster is no first one")
        if method in ("exact", "norm") and row["cluster"] != origin:
            self.fail(row, "the same words, and another cluster")
        mine, its = self.text(line), self.text(origin)
        if method == "exact":
            if mine != its or fraction != (1, 1):
                self.fail(row, "the texts differ")
            return
        mine, its = self.post(line), self.post(origin)
        if mine is None or its is None:
            if line not in self.unknown and origin not in self.unknown:
                self.fail(row, "there is no text")
            return
        if method == "norm":
            if mine.normal != its.normal or mine.text == its.text or fraction != (1, 1):
                self.fail(row, "the normalised texts differ, or the texts do not")
        elif method == "minhash":
            if mine.normal == its.normal:
                self.fail(row, "the normalised texts are the same")
            if oracle.jaccard(mine, its) != fraction:
                self.fail(row, "the shingles in common and in either are %d of %d" % oracle.jaccard(mine, its))
            if not mine.near or not its.near or oracle.repeats(mine, its, self.n, self.d) is None:
                self.fail(row, "the two do not repeat each other")
        else:
            self.fail(row, "a method that there is not")

    def missed(self, numbers):
        """Pairs of first ones that repeat each other after all: (earlier, later, common, either)."""
        where, normals = {}, {}
        for number in sorted(numbers):
            post = self.post(number)
            if post is None:
                continue
            if post.normal in normals:
                yield normals[post.normal], number, 1, 1
                continue
            normals[post.normal] = number
            if not post.near:
                continue
            counts = {}
            for x in post.shingles:
                for other in where.get(x, ()):
                    counts[other] = counts.get(other, 0) + 1
                where.setdefault(x, []).append(number)
            for other, common in counts.items():
                if common * self.d >= self.n * (len(post.shingles) + len(self.post(other).shingles) - common):
                    fraction = oracle.repeats(post, self.post(other), self.n, self.d)
                    if fraction:
                        yield (other, number) + fraction
                        break


def main(arguments):
    options = {"--field": "text", "--threshold": "7/10", "--sample": None, "--recall": "0.99"}
    words = []
    while arguments:
        word = arguments.pop(0)
        if word in options and arguments:
            options[word] = arguments.pop(0)
        else:
            words.append(word)
    if len(words) != 2:
        sys.exit(__doc__)
    n, d = (int(x) for x in options["--threshold"].split("/"))
    lines = lines_of(words[0])
    rows = [json.loads(line) for line in lines_of(words[1])]
    summary = rows.pop()["summary"]
    checker = Checker(lines, options["--field"], n, d)
    if [row["line"] for row in rows] != list(range(1, len(lines) + 1)):
        checker.failures.append("there is not one line for a line")
    methods = {row["line"]: row["method"] for row in rows if "method" in row}
    for row in rows:
        if "code" in row and checker.text(row["line"]) is not None and len(lines[row["line"] - 1]) <= 1 << 20:
            # Stricter about JSON than Python is; but then it says so.
            if not row["code"].startswith("json_"):
                checker.fail(row, "there is a text")
        if "code" not in row and checker.text(row["line"]) is None:
            checker.fail(row, "there is no text")
    counts = {method: sum(1 for m in methods.values() if m == method) for method in ("none", "exact", "norm", "minhash")}
    if [counts["none"], counts["exact"], counts["norm"], counts["minhash"], len(rows), len(rows) - len(methods)] != \
            [summary[name] for name in ("origins", "exact", "norm", "minhash", "lines", "bad")]:
        checker.failures.append("the summary counts otherwise: %s" % summary)

    verdicts = [row for row in rows if "method" in row]
    firsts = [row["line"] for row in verdicts if row["method"] == "none"]
    repeats = [row for row in verdicts if row["method"] != "none"]
    if options["--sample"]:
        draw = random.Random(1)
        repeats = draw.sample(repeats, min(len(repeats), int(options["--sample"])))
        firsts = draw.sample(firsts, min(len(firsts), int(options["--sample"])))
    else:
        repeats = verdicts
    for row in repeats:
        checker.verdict(row, methods)
    missed = list(checker.missed(firsts))
    for earlier, later, common, either in missed:
        print("missed: line %d repeats line %d, %d of %d shingles" % (later, earlier, common, either))
        if 20 * common >= 19 * either:
            checker.failures.append("line %d: missed what no band misses, %d of %d" % (later, common, either))
    share = len(firsts) / max(1, counts["none"])
    # Of the pairs that are there, a sample of first ones holds its share squared, and of the missed ones as well.
    found = counts["minhash"] * share * share
    recall = found / (found + len(missed)) if found + len(missed) else 1.0
    # Where few are expected, one is chance.
    if len(missed) > 1 and recall < float(options["--recall"]):
        checker.failures.append("%d missed" % len(missed))
    for failure in checker.failures[:20]:
        print("FAIL", failure)
    print("%d lines, %d verdicts checked, %d first ones compared with each other, %d missed (recall %.4f), %d texts left out, "
          "%d failures" % (len(rows), len(repeats), len(firsts), len(missed), recall, len(checker.unknown), len(checker.failures)))
    return 1 if checker.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

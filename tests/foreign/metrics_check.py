#!/usr/bin/env python3
"""Judges a page of metrics by the rules of Prometheus' text format 0.0.4: metrics_check.py URL."""
import re
import sys
import urllib.request

from winnow_http import Report

SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\+Inf|-?[0-9]+(?:\.[0-9]+)?)$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')


def family_of(name, types):
    """Parts of a histogram belong to its family."""
    for ending in ("_bucket", "_sum", "_count"):
        if name.endswith(ending) and types.get(name.removesuffix(ending)) == "histogram":
            return name.removesuffix(ending)
    return name


def check_histogram(report, name, samples):
    buckets = [(labels["le"], value) for part, labels, value in samples if part == name + "_bucket"]
    bounds = [float(bound) for bound, _ in buckets]
    counts = [value for _, value in buckets]
    whole = [value for part, _, value in samples if part == name + "_count"]
    sums = [value for part, _, value in samples if part == name + "_sum"]
    report.check(bounds == sorted(set(bounds)) and bounds[-1:] == [float("inf")], f"{name}: bounds rise to +Inf")
    report.check(counts == sorted(counts), f"{name}: buckets are cumulative")
    report.check(len(whole) == 1 and counts[-1:] == whole, f"{name}: the last bucket is the count")
    report.check(len(sums) == 1 and (whole == [0]) == (sums == [0]), f"{name}: has its sum")


def main():
    report = Report()
    with urllib.request.urlopen(sys.argv[1] + "/metrics", timeout=30) as reply:
        text, kind = reply.read().decode(), reply.headers["content-type"]
    report.check(kind == "text/plain; version=0.0.4; charset=utf-8", f"the type is the format's: {kind}")
    report.check(text.endswith("\n"), "the last line is whole")
    helps, types, samples, order = {}, {}, [], []
    for line in text.splitlines():
        if line.startswith("# HELP "):
            _, _, name, words = line.split(" ", 3)
            report.check(name not in helps and words, f"{name}: one help")
            helps[name] = words
        elif line.startswith("# TYPE "):
            _, _, name, type_name = line.split(" ")
            report.check(name not in types and type_name in ("counter", "gauge", "histogram"), f"{name}: one known type")
            types[name] = type_name
        else:
            found = SAMPLE.match(line)
            if not report.check(found, f"{line!r} is a sample"):
                continue
            labels = LABEL.findall(found[2] or "")
            report.check(LABEL.sub("", found[2] or "") == "", f"{line!r}: labels are well formed")
            samples.append((found[1], dict(labels), float(found[3])))
            order.append(family_of(found[1], types))
    names = [name for index, name in enumerate(order) if index == 0 or order[index - 1] != name]
    report.check(len(names) == len(set(names)), "each family's samples stand together")
    series = [(name, tuple(sorted(labels.items()))) for name, labels, _ in samples]
    report.check(len(series) == len(set(series)), "no series stands twice")
    for name in names:
        report.check(name in helps and name in types, f"{name} has HELP and TYPE")
        report.check((types.get(name) == "counter") == name.endswith("_total"), f"{name}: counters and only counters end with _total")
        report.check(name.startswith("winnow_"), f"{name} says whose it is")
        report.check(not re.search(r"_(ms|us|milliseconds|kb)(_|$)", name), f"{name} is in base units")
        if types.get(name) == "histogram":
            check_histogram(report, name, [one for one in samples if family_of(one[0], types) == name])
    for name in types:
        report.check(name in names or name.endswith("_total"), f"{name} has samples")
    report.check(types.get("winnow_http_request_seconds") == "histogram", "durations are a histogram")
    report.check(any(one[0] == "winnow_http_requests_total" and one[2] > 0 for one in samples), "requests are counted")
    report.end()


main()

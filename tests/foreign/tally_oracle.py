#!/usr/bin/env python3
"""A second implementation of the judging, written from the documents alone: integers and the standard library only.

It shares no line with vote/*.c, so that where both agree the formulas were read twice and understood once. Three uses:

  tally_oracle.py campaign DIR [--epoch N] [--seed N] [--order posts|votes] [--json]
      judges a recorded campaign (posts.ndjson, votes.csv, campaign.json, optional truth.csv) and prints what a backtest should find
  tally_oracle.py random SEED > epoch.txt
      makes an epoch close with hard cases (inverters, gold, items that come back, strata, crowds of one opinion)
  tally_oracle.py close < epoch.txt
      closes it and prints every table; tests/vote/epoch_driver.c prints the same from the C

The format of an epoch, whitespace between integers: K V S I, where K classes, V validators, S strata, I items; then V times
K*K counts; K prior weights; V gold votes so far; then each item: stratum, gold class or -1, settles 0/1, back 0/1, number of
votes, and for each vote: validator, label, new 0/1. `settles`: its votes get points in this close. `back`: it was in an
earlier close, so its soft label does not enter the prior again, and only votes marked new enter the counts.
"""
import csv
import functools
import hashlib
import json
import os
import random
import sys

Q = 1 << 16            # one bit of log2
UNIT = 64              # one vote
CAP = 6 * Q            # the most that one vote is worth
PRIOR_N = 6
GOLD_V = 16
SWEEPS = 3
DECAY_SHIFT = 4
T_ESC = 5 * Q
T_REF = Q
POINT = 1000000
GOLD_PEN = 2
REFERENCES_MIN = 50
GOLD_PPM = 80000
AUDIT_SEATS = 11
CARRY_SCORED = 50
E2 = (65536, 62757, 60097, 57549, 55109, 52773, 50535, 48393, 46341, 44376, 42495, 40693, 38968, 37316, 35734, 34219)


# ---- section 4: logarithms, weights, scores ------------------------------------------------------------------------

def ilog2(x):
    """log2 of x in Q16 by repeated squaring of a 32-bit mantissa."""
    n = x.bit_length() - 1
    y = x << (31 - n) if n <= 31 else x >> (n - 31)
    r = n << 16
    for i in range(15, -1, -1):
        y = (y * y) >> 31
        if y >= 1 << 32:
            y >>= 1
            r |= 1 << i
    return r


@functools.lru_cache(maxsize=None)
def lg(x):
    """The only logarithm of the tally: exact below 2^16, its top 16 bits above."""
    if x < 65536:
        return ilog2(x)
    s = x.bit_length() - 16
    return ilog2(x >> s) + (s << 16)


def weak_diagonal(n, k):
    """What is believed of a validator before anything is known: right seven times in ten."""
    on = n * UNIT * 7 // 10
    off = n * UNIT * 3 // (10 * (k - 1))
    return [[on if a == b else off for b in range(k)] for a in range(k)]


def pooled_prior(counts, k):
    """What a new validator starts from: the whole crowd's confusion, PRIOR_N votes heavy."""
    g = weak_diagonal(40, k)
    for c in counts:
        for a in range(k):
            for b in range(k):
                g[a][b] += c[a][b]
    return [[max(1, PRIOR_N * UNIT * g[a][b] // sum(g[a])) for b in range(k)] for a in range(k)]


def vote_weights(c, p, k):
    """t[truth][label]: what a vote for `label` adds to the score of `truth`, best truth at 0, never below -CAP."""
    t = [[0] * k for _ in range(k)]
    for a in range(k):
        row = [c[a][b] + p[a][b] for b in range(k)]
        total = lg(sum(row))
        for b in range(k):
            t[a][b] = lg(row[b]) - total
    for b in range(k):
        best = max(t[a][b] for a in range(k))
        for a in range(k):
            t[a][b] = max(-CAP, t[a][b] - best)
    return t


def prior_scores(pi):
    total = lg(sum(x + 10 * UNIT for x in pi))
    return [lg(x + 10 * UNIT) - total for x in pi]


def scores(votes, t, pi):
    """L of one item over its votes [(validator, label, ...)]."""
    out = prior_scores(pi)
    for vote in votes:
        for a in range(len(pi)):
            out[a] += t[vote[0]][a][vote[1]]
    return out


def argmax(values):
    """The lowest class on ties."""
    return values.index(max(values))


def margin(values):
    best = sorted(values)
    return best[-1] - best[-2]


def soft(values):
    """Weights w and the label r spread over the classes, UNIT in all."""
    top = max(values)
    w = []
    for x in values:
        d = (top - x) >> 12
        w.append(E2[d & 15] >> min(d >> 4, 40))
    r = [x * UNIT // sum(w) for x in w]
    r[argmax(values)] += UNIT - sum(r)
    return w, r


def p_good(values, keep):
    w, _ = soft(values)
    return 1000000 * sum(w[a] for a in keep) // sum(w)


# ---- section 4: the close of an epoch ------------------------------------------------------------------------------

class Item:
    """One item of a close; votes are (validator index, label, new)."""

    def __init__(self, votes, stratum=0, gold=-1, settles=True, back=False):
        self.votes = votes
        self.stratum = stratum
        self.gold = gold
        self.settles = settles
        self.back = back


class Close:
    """What a close found: tables of every pass, counts before and after decay, references, baselines, points."""


def epoch_close(k, counts, pi, gold_before, items):
    out = Close()
    v_count = len(counts)
    gold_new = [0] * v_count
    for item in items:
        if item.gold >= 0:
            for v, _, new in item.votes:
                gold_new[v] += new
    out.gold_new = gold_new
    out.gold_weight = [min(GOLD_V, gold_before[v] + gold_new[v]) for v in range(v_count)]
    c, p_in = counts, pi
    out.passes = []
    for _ in range(SWEEPS + 1):
        prior = pooled_prior(c, k)
        t = [vote_weights(x, prior, k) for x in c]
        score = [scores(item.votes, t, p_in) for item in items]
        c = [[row[:] for row in x] for x in counts]
        p_in = list(pi)
        labels = []
        for item, values in zip(items, score):
            if item.gold >= 0:
                r = [UNIT if a == item.gold else 0 for a in range(k)]
            else:
                _, r = soft(values)
                if not item.back:
                    p_in = [x + y for x, y in zip(p_in, r)]
            labels.append(r)
            for v, label, new in item.votes:
                if new:
                    g = out.gold_weight[v] if item.gold >= 0 else 1
                    for a in range(k):
                        c[v][a][label] += r[a] * g
        out.passes.append((prior, t, score, labels, c, p_in))
    out.score = out.passes[-1][2]
    weights = out.passes[-1][1]
    active = {v for item in items for v, _, new in item.votes if new}
    out.counts = [[[x - (x >> DECAY_SHIFT) for x in row] for row in c[v]] if v in active else c[v] for v in range(v_count)]
    out.pi = [x - (x >> DECAY_SHIFT) for x in p_in] if items else list(pi)

    strata = max((item.stratum for item in items), default=0) + 1
    out.ref_count = [[0] * k for _ in range(strata)]
    out.ref = []
    for item, values in zip(items, out.score):
        row = []
        for v, label, _ in item.votes:
            if item.gold >= 0:
                row.append(item.gold)
                continue
            m = [values[a] - weights[v][a][label] for a in range(k)]
            row.append(argmax(m) if margin(m) >= T_REF else -1)
        out.ref.append(row)
        if item.settles and item.gold < 0:
            for a in row:
                if a >= 0:
                    out.ref_count[item.stratum][a] += 1
    total = [sum(row[a] for row in out.ref_count) for a in range(k)]
    out.q = [baseline(row, total, k) for row in out.ref_count]
    out.points, out.sums, out.scored = [], [0] * v_count, [0] * v_count
    for item, refs in zip(items, out.ref):
        row = []
        for (v, label, _), a in zip(item.votes, refs):
            s = 0
            if item.settles and a >= 0:
                s = (POINT if label == a else 0) - out.q[item.stratum][label]
                if item.gold >= 0 and label != a:
                    s *= GOLD_PEN
                out.scored[v] += 1
            out.sums[v] += s
            row.append(s)
        out.points.append(row)
    return out


def baseline(stratum, epoch, k):
    for row in (stratum if sum(stratum) >= REFERENCES_MIN else epoch, epoch):
        if sum(row):
            return [POINT * x // sum(row) for x in row]
    return [POINT // k] * k


# ---- section 5: gold -------------------------------------------------------------------------------------------------

def gold_pick(beacon, candidates, k, ppm=GOLD_PPM):
    """[(item id, provisional class)] -> ids: the classes in turn give their next item by hash."""
    wanted = (len(candidates) * ppm + 999999) // 1000000
    lines = [[] for _ in range(k)]
    for item, a in candidates:
        lines[a].append((hashlib.sha256(b"winnow/gold/v1\0" + beacon + item).digest(), item))
    for line in lines:
        line.sort(reverse=True)
    picked = []
    while len(picked) < wanted and any(lines):
        for line in lines:
            if line and len(picked) < wanted:
                picked.append(line.pop()[1])
    return picked


# ---- a recorded campaign ----------------------------------------------------------------------------------------------

class Recorded:
    """The folder of a recorded campaign: classes numbered without the abstaining choices, rejecting ones first."""

    def __init__(self, folder):
        with open(os.path.join(folder, "campaign.json")) as f:
            self.document = json.load(f)
        votable = [c for c in self.document["choices"] if c["verdict"] != "abstain"]
        votable.sort(key=lambda c: c["verdict"] != "reject")
        self.classes = {c["name"]: i for i, c in enumerate(votable)}
        self.keep = [i for i, c in enumerate(votable) if c["verdict"] == "keep"]
        self.seats = self.document["panel"]["seats"]
        self.escalate = self.document["panel"]["escalate"]
        self.posts = []
        with open(os.path.join(folder, "posts.ndjson")) as f:
            for line in f:
                self.posts.append(json.loads(line)["id"])
        self.votes = {post: [] for post in self.posts}
        self.workers = {}
        self.repeated = 0
        self.filled = []          # posts in the order in which their first panel fills
        seen = set()
        with open(os.path.join(folder, "votes.csv")) as f:
            for row in csv.DictReader(f):
                if row["choice"] not in self.classes:
                    continue
                if (row["post"], row["worker"]) in seen:
                    self.repeated += 1
                    continue
                seen.add((row["post"], row["worker"]))
                v = self.workers.setdefault(row["worker"], len(self.workers))
                line = self.votes[row["post"]]
                line.append((v, self.classes[row["choice"]]))
                if len(line) == self.seats:
                    self.filled.append(row["post"])
        self.truth = {}
        path = os.path.join(folder, "truth.csv")
        if os.path.exists(path):
            with open(path) as f:
                for row in csv.DictReader(f):
                    if row["choice"] in self.classes:
                        self.truth[row["post"]] = self.classes[row["choice"]]


def judge(recorded, epoch_posts, seed, order="posts", gold_settles=True, gold_verdict=False, reserve=False):
    """Runs the whole campaign: panels, escalation, gold, closes with second panels. Returns a dict of figures."""
    k = len(recorded.classes)
    v_count = len(recorded.workers)
    counts = [[[0] * k for _ in range(k)] for _ in range(v_count)]
    pi = [0] * k
    gold_votes = [0] * v_count
    carried, carried_scored = [0] * v_count, [0] * v_count
    queue = list(recorded.posts if order == "posts" else
                 recorded.filled + [p for p in recorded.posts if len(recorded.votes[p]) < recorded.seats])
    ident = {p: hashlib.sha256(b"item/%d/" % seed + p.encode()).digest() for p in queue}
    used, panels, audited, verdict, gold_class, provisional = {}, {}, {}, {}, {}, {}
    returning = []
    epoch = audit_votes = escalated = second = void = gold_wrong = gold_known = 0
    score_of = {}
    while queue or returning:
        batch, queue = queue[:epoch_posts], queue[epoch_posts:]
        prior = pooled_prior(counts, k)
        t = [vote_weights(c, prior, k) for c in counts]
        new_from = {}
        live = []
        for post in batch:
            line = recorded.votes[post]
            if len(line) < 3:
                void += 1
                continue
            used[post], panels[post], new_from[post] = min(recorded.seats, len(line)), 1, 0
            value = scores(line[:used[post]], t, pi)
            if margin(value) < T_ESC and len(line) - used[post] >= 3:
                used[post] = min(len(line), used[post] + recorded.escalate)
                panels[post] = 2
                escalated += 1
                value = scores(line[:used[post]], t, pi)
            provisional[post] = argmax(value)
            live.append(post)
        for post in returning:
            line = recorded.votes[post]
            new_from[post] = used[post]
            start = used[post] + (audited.get(post, 0) if reserve else 0)
            take = line[start:start + recorded.escalate]
            recorded_line = line[:used[post]] + take + line[used[post]:start] + line[start + len(take):]
            recorded.votes[post] = recorded_line
            used[post] += len(take)
            panels[post] = 2
            second += 1
            value = scores(recorded_line[:used[post]], t, pi)
            provisional[post] = argmax(value)
            live.append(post)
        beacon = hashlib.sha256(b"beacon/%d/%d" % (seed, epoch)).digest()
        by_id = {ident[p]: p for p in live}
        candidates = [(ident[p], provisional[p]) for p in live if p not in audited]
        wanted = (len(live) * GOLD_PPM + 999999) // 1000000
        picks = gold_pick(beacon, candidates, k, 1000000)[:wanted] if candidates else []
        for item in picks:
            post = by_id[item]
            audit = recorded.votes[post][used[post]:used[post] + AUDIT_SEATS]
            audited[post] = len(audit)
            audit_votes += len(audit)
            tally = [sum(1 for _, b in audit if b == a) for a in range(k)]
            if audit and sorted(tally)[-1] > sorted(tally)[-2]:
                gold_class[post] = argmax(tally)
                gold_known += 1
                gold_wrong += recorded.truth.get(post, gold_class[post]) != gold_class[post]
        items = []
        for post in live:
            line = recorded.votes[post][:used[post]]
            items.append(Item([(v, b, i >= new_from[post]) for i, (v, b) in enumerate(line)],
                              gold=gold_class.get(post, -1), back=new_from[post] > 0))
        # Which items settle depends on the last pass's margins, and points are given only to those: two calls.
        close = epoch_close(k, counts, pi, gold_votes, items)
        returning = []
        for post, item, value in zip(live, items, close.score):
            more = len(recorded.votes[post]) - used[post] - (audited.get(post, 0) if reserve else 0)
            if margin(value) < T_ESC and panels[post] == 1 and more > 0 and not (item.gold >= 0 and gold_settles):
                item.settles = False
                returning.append(post)
            else:
                verdict[post] = item.gold if gold_verdict and item.gold >= 0 else argmax(value)
                score_of[post] = value
        close = epoch_close(k, counts, pi, gold_votes, items)
        counts, pi = close.counts, close.pi
        gold_votes = [a + b for a, b in zip(gold_votes, close.gold_new)]
        carried = [a + b for a, b in zip(carried, close.sums)]
        carried_scored = [a + b for a, b in zip(carried_scored, close.scored)]
        epoch += 1
    known = [p for p in recorded.truth if p in verdict]
    right = sum(verdict[p] == recorded.truth[p] for p in known)
    return {
        "epochs": epoch, "posts": len(verdict), "void": void, "truths": len(recorded.truth), "right": right,
        "accuracy_ppm": 1000000 * right // max(1, len(recorded.truth)),
        "votes": sum(used[p] for p in verdict), "votes_per_post_ppm": 1000000 * sum(used[p] for p in verdict) // max(1, len(verdict)),
        "escalated": escalated, "second_panels": second, "audit_votes": audit_votes, "gold": gold_known, "gold_wrong": gold_wrong,
        "accepted": sum(a in recorded.keep for a in verdict.values()),
        "rejected": sum(a not in recorded.keep for a in verdict.values()),
        "workers_in_the_red": sum(x < 0 for x in carried), "scored": sum(carried_scored),
    }


def majority_first(recorded, n):
    """Accuracy in millionths of the plain majority of each post's first n votes, ties to the lowest class."""
    right = 0
    k = len(recorded.classes)
    for post, truth in recorded.truth.items():
        head = recorded.votes[post][:n]
        right += argmax([sum(1 for _, b in head if b == a) for a in range(k)]) == truth
    return 1000000 * right // max(1, len(recorded.truth))


# ---- epochs as text ----------------------------------------------------------------------------------------------------

def random_epoch(seed):
    """An epoch close with hard cases, as (K, counts, pi, gold votes so far, items, strata)."""
    rng = random.Random(seed)
    k = rng.choice((2, 2, 3, 4, 5, 7, 16))
    v_count = rng.randint(4, 40)
    strata = rng.randint(1, 6)
    skew = [rng.random() + 0.05 for _ in range(k)]
    # One crowd judges well, one barely, one turns classes round, one always says the same, one flips coins, one sits idle.
    kinds = [rng.choice(("good", "good", "good", "fair", "inverter", "constant", "coin", "idle")) for _ in range(v_count)]
    counts = []
    for _ in range(v_count):
        heavy = rng.choice((0, 0, 50, 5000, 10 ** 7))
        counts.append([[rng.randint(0, heavy * (8 if a == b else 1)) for b in range(k)] for a in range(k)])
    if rng.random() < 0.2:
        counts = [[[0] * k for _ in range(k)] for _ in range(v_count)]
    pi = [rng.choice((0, rng.randint(0, 90000))) for _ in range(k)]
    gold_before = [rng.choice((0, 0, rng.randint(1, 40))) for _ in range(v_count)]
    voters = [v for v in range(v_count) if kinds[v] != "idle"]
    items = []
    for _ in range(rng.choice((0, 1, 3, 60, 60, 200, 200, 400))):
        truth = rng.choices(range(k), skew)[0]
        unanimous = rng.random() < 0.1
        panel = rng.sample(voters, min(len(voters), rng.choice((0, 3, 5, 5, 5, 11))))
        back = rng.random() < 0.15
        votes = []
        for i, v in enumerate(panel):
            label = rng.randrange(k)
            if kinds[v] == "good" and rng.random() < 0.85 or kinds[v] == "fair" and rng.random() < 0.5:
                label = truth
            elif kinds[v] == "inverter":
                label = (truth + 1) % k
            elif kinds[v] == "constant" or unanimous:
                label = k - 1
            votes.append((v, label, int(not back or i >= len(panel) // 2)))
        gold = rng.randrange(k) if rng.random() < 0.03 else truth if rng.random() < 0.15 else -1
        items.append(Item(votes, rng.randrange(strata), gold, rng.random() < 0.8, back))
    return k, counts, pi, gold_before, items, strata


def write_epoch(k, counts, pi, gold_before, items, strata):
    print(k, len(counts), strata, len(items))
    for c in counts:
        print(*(x for row in c for x in row))
    print(*pi)
    print(*gold_before)
    for item in items:
        print(item.stratum, item.gold, int(item.settles), int(item.back), len(item.votes),
              *(x for vote in item.votes for x in vote))


def read_epoch(text):
    numbers = iter([int(x) for x in text.split()])
    k, v_count, strata, i_count = (next(numbers) for _ in range(4))
    counts = [[[next(numbers) for _ in range(k)] for _ in range(k)] for _ in range(v_count)]
    pi = [next(numbers) for _ in range(k)]
    gold_before = [next(numbers) for _ in range(v_count)]
    items = []
    for _ in range(i_count):
        stratum, gold, settles, back, n = (next(numbers) for _ in range(5))
        votes = [(next(numbers), next(numbers), next(numbers)) for _ in range(n)]
        items.append(Item(votes, stratum, gold, bool(settles), bool(back)))
    if next(numbers, None) is not None:
        sys.exit("numbers behind the last item")
    return k, counts, pi, gold_before, items, strata


def print_tables(name, tables):
    """One line a table, rows behind one another."""
    for i, table in enumerate(tables):
        print(name, i, *(x for row in table for x in row))


def print_rows(name, rows):
    for i, row in enumerate(rows):
        print(name, i, *row)


def print_close(k, counts, pi, gold_before, items, strata):
    out = epoch_close(k, counts, pi, gold_before, items)
    for s, (prior, t, score, labels, c, p) in enumerate(out.passes):
        print("pass", s)
        print_tables("prior", [prior])
        print_tables("weights", t)
        print_rows("scores", score)
        print_rows("labels", labels)
        print_tables("counts", c)
        print_rows("pi", [p])
    print("settled")
    keep = range(1, k)
    print_rows("verdict", [(argmax(x), margin(x), p_good(x, keep)) for x in out.score])
    print_tables("counts", out.counts)
    print_rows("pi", [out.pi])
    print_rows("gold", zip(out.gold_new, out.gold_weight))
    # A stratum without items has no line of its own in the close: it takes the epoch's baseline.
    total = [sum(row[a] for row in out.ref_count) for a in range(k)]
    for g in range(strata):
        row = out.ref_count[g] if g < len(out.ref_count) else [0] * k
        print("references", g, *row)
        print("baseline", g, *baseline(row, total, k))
    print_rows("reference", out.ref)
    print_rows("points", out.points)
    print_rows("sum", zip(out.sums, out.scored))


def option(arguments, name, default):
    return arguments[arguments.index(name) + 1] if name in arguments else default


def main(arguments):
    if arguments[:1] == ["random"] and len(arguments) == 2:
        write_epoch(*random_epoch(int(arguments[1])))
    elif arguments == ["close"]:
        print_close(*read_epoch(sys.stdin.read()))
    elif arguments[:1] == ["campaign"] and len(arguments) >= 2:
        recorded = Recorded(arguments[1])
        found = judge(recorded, int(option(arguments, "--epoch", len(recorded.posts))), int(option(arguments, "--seed", 0)),
                      option(arguments, "--order", "posts"), gold_settles=False, reserve=True)
        found["majority_8_ppm"] = majority_first(Recorded(arguments[1]), 8)
        if "--json" in arguments:
            print(json.dumps(found, sort_keys=True))
        else:
            for name in sorted(found):
                print(name, found[name])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])

#!/usr/bin/env python3
"""Plants secrets wherever a request has room, and looks for them where none may be:
canaries.py plant URL STATE KEYS | find STATE KEYS FILE... (files of log lines, or of what was printed)."""
import base64
import json
import re
import sys

from http_keys import keys_of
from winnow_http import Key, Node, Report

MARK = "cAnArY"


def canary(place):
    return f"{MARK}{place}{MARK}"


def plant(url, state, folder):
    report, node = Report(), Node(url, state + "/run/operator.sock")
    keys = {**keys_of(folder), "operator": Key.of_file(state + "/keys/operator.key")}
    giver, judge = keys["giver"], keys["judge1"]
    items = "/v1/campaigns/open-gloves/items"
    post = {"content": f"A glove with a name in it: {canary('content')}.", "tags": [canary("tag")], "source_id": canary("source")}
    report.check(node.ask("POST", items, giver, post).status == 201, "an item with a canary is stored")
    # Whatever fails is what is told, so most of it is wrong.
    secrets = {"Authorization": f"Bearer {canary('bearer')}", "Cookie": f"session={canary('cookie')}", "X-Api-Key": canary("apikey"),
               "User-Agent": canary("agent"), "Referer": f"https://{canary('referer')}/", "Idempotency-Key": f'"{canary("idempotency")}"',
               "Traceparent": canary("trace"), canary("header"): canary("value")}
    asked = [
        ("GET", f"/v1/status?key={canary('query')}", None, None, {}), ("GET", f"/{canary('path')}", None, None, {}),
        ("GET", f"/v1/items/{canary('item')}", None, None, {}), ("GET", f"/v1/campaigns/{canary('campaign')}", None, None, {}),
        ("GET", f"/v1/datasets/{canary('set')}/1/{canary('file')}", None, None, {}), ("GET", f"/v1/accounts/{canary('did')}", judge, None, {}),
        ("GET", f"/v1/seats?after={canary('cursor')}", judge, None, {}), ("GET", f"/v1/campaigns?after={canary('after')}%00%ff", None, None, {}),
        ("GET", "/v1/status", None, None, {"Signature": canary("signature"), "Signature-Input": canary("input")}),
        ("GET", "/v1/status", None, None, {"Signature": "sig1=:AA==:", "Signature-Input": f'sig1=();keyid="{canary("keyid")}"'}),
        ("POST", "/v1/accounts", giver, {"roles": [canary("role")]}, {}), ("POST", "/v1/accounts", giver, {canary("member"): 1}, {}),
        ("POST", "/v1/accounts", giver, f'{{"roles":["{canary("syntax")}"'.encode(), {}),
        ("POST", "/v1/accounts", giver, f'{{"{canary("twice")}":1,"{canary("twice")}":2}}'.encode(), {}),
        ("POST", "/v1/accounts", giver, b'{"roles":["' + canary("utf").encode() + b'\xff"]}', {}),
        ("POST", items, giver, {"content": canary("nul") + "\0"}, {}), ("POST", items, giver, {"content": canary("long") * 1000}, {}),
        ("POST", items, giver, {"content": "x y z", "licence": canary("licence")}, {}), ("POST", items, giver, {canary("name"): canary("text")}, {}),
        ("POST", "/v1/campaigns", keys["operator"], {"name": canary("title"), "question": canary("question"), "choices": []}, {}),
        ("POST", "/v1/transfers", judge, {"to": canary("to"), "amount": canary("amount")}, {}),
        ("POST", "/v1/seats", judge, {"campaign": canary("seats"), "count": 1}, {}), ("POST", "/v1/seats", judge, {"campaign": canary("nul2") + "\0", "count": 1}, {}),
        ("POST", "/v1/ballots", judge, {"phase": canary("phase"), "votes": [canary("vote")]}, {}),
    ]
    for method, target, key, body, headers in asked:
        answer = node.ask(method, target, key, body, headers={**secrets, **headers})
        report.check(answer.status < 500, f"{method} {target[:40]} is answered {answer.status}")
    lines = f'{canary("line")}\n{{"content":"{canary("line2")}","colour":1}}\n'.encode()
    report.check(node.ask("POST", items, giver, lines, "application/x-ndjson", secrets).status == 200, "lines with canaries are answered")
    for target in ("/metrics", "/v1/status", "/v1/journal/entries?from=0&count=1000", "/v1/network", "/readyz", "/v1/campaigns", "/openapi.json"):
        report.check(MARK.encode() not in node.ask("GET", target).body, f"{target} shows no canary")
    report.end()


def secrets_of(state, folder):
    """Key material in each form in which it could be written."""
    seeds = set()
    for key in [*keys_of(folder).values(), *(Key.of_file(f"{state}/keys/{name}.key") for name in ("checkpoint", "operator", "manifest"))]:
        seeds |= {key.seed, key.vote_seed}
    with open(f"{state}/keys/beacon.seed") as file:
        seeds.add(bytes.fromhex(file.read().strip()))
    forms = set()
    for seed in seeds:
        forms |= {seed.hex(), base64.b64encode(seed).decode().rstrip("="), base64.urlsafe_b64encode(seed).decode().rstrip("=")}
    return forms


def find(state, folder, files):
    report = Report()
    secrets = secrets_of(state, folder)
    report.check(len(secrets) > 20, "there are secrets to look for")
    for path in files:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read()
        hits = {text[max(at.start() - 60, 0):at.end() + 60] for at in re.finditer(MARK, text, re.IGNORECASE)}
        report.check(not hits, f"{path} holds canaries: {sorted(hits)[:3]}")
        report.check(not [one for one in secrets if one.lower() in text.lower()], f"{path} holds a key")
        if not path.endswith(".log"):
            continue
        lines, levels, speakers = text.splitlines(), set(), set()
        for line in lines:
            try:
                event = json.loads(line)
                good = {"ts", "level", "on", "event"} <= set(event)
                levels.add(event["level"])
                speakers.add(event["on"])
            except (ValueError, KeyError, TypeError):
                good = False
            if not good:
                report.check(False, f"{path}: {line[:200]!r} is no line of the log")
        report.check(len(lines) > 100, f"{path} has lines to look through ({len(lines)})")
        report.check({"serve", "tally", "reward", "seal", "embed"} <= speakers, f"every role speaks in it: {speakers}")
    report.end()


if sys.argv[1] == "plant":
    plant(*sys.argv[2:5])
else:
    find(sys.argv[2], sys.argv[3], sys.argv[4:])

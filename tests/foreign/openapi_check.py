#!/usr/bin/env python3
"""Holds openapi.json against a node that is asked: openapi_check.py URL STATE KEYS, run in the checkout, whose route
tables it reads. The node has a manual clock, and a genesis that names the keys of http_keys.py."""
import glob
import json
import re
import sys

from http_keys import keys_of
from winnow_http import Key, Node, Report, Schemas, wait_for

CAMPAIGN = {
    "name": "open-gloves", "question": "Does the post tell of a glove that was found?", "licence": "CC0-1.0",
    "choices": [{"name": "no", "verdict": "reject"}, {"name": "yes", "verdict": "keep"}, {"name": "skip", "verdict": "abstain"}],
    "panel": {"mode": "open", "pick": True, "seats": 3, "escalate": 0, "commit_ms": 600000, "reveal_ms": 600000, "lease_ms": 600000, "audit": "open"},
    "budget": {"seat_pay": "10", "seat_bond": "0"}, "challenge_ms": 0, "vesting_ms": 0, "probation": False,
}
WINDOW = {"device": "porch-7", "channels": [{"name": "air", "unit": "Cel", "exponent": -2}], "samples": [[1000, 2153], [2000, None]]}


class Document:
    """The document, what was seen of it, and where an answer is not what it says."""

    def __init__(self, document, report):
        self.document, self.report = document, report
        self.answers, self.requests = Schemas(document, strict=True), Schemas(document)
        self.seen = {}
        self.patterns = []
        for path, operations in document["paths"].items():
            many = any(one.get("x-winnow-segments") for one in operations.values())
            parts = re.split(r"(\{[a-z0-9]+\})", path)
            text = "".join("[^/]+" if part[:1] == "{" else re.escape(part) for part in parts)
            self.patterns.append((path, re.compile((text[:-5] + ".+" if many else text) + "$")))
        # Fixed segments win over names, as in the router.
        self.patterns.sort(key=lambda pair: (pair[0].count("{"), -len(pair[0])))

    def find(self, method, target):
        path = target.partition("?")[0]
        method = "get" if method == "HEAD" else method.lower()
        for pattern, regex in self.patterns:
            if regex.match(path) and method in self.document["paths"][pattern]:
                return f"{method.upper()} {pattern}", self.document["paths"][pattern][method]
        return None, None

    def resolve(self, one):
        return self.answers.resolve(one["$ref"]) if "$ref" in one else one

    def watch(self, method, target, body, type, headers, answer):
        name, operation = self.find(method, target)
        if not operation:
            return
        where = f"{method} {target} -> {answer.status}"
        check = self.report.check
        self.seen.setdefault(name, set()).add(answer.status)
        if not check(str(answer.status) in operation["responses"], f"{where}: the status is documented"):
            return
        response = self.resolve(operation["responses"][str(answer.status)])
        content = response.get("content", {})
        if answer.status == 304 or method == "HEAD":
            check(answer.body == b"", f"{where}: no body")
        elif check(answer.type in content or "*/*" in content, f"{where}: {answer.type} is documented"):
            schema = content.get(answer.type, {}).get("schema")
            if schema and answer.type.endswith("json"):
                problems = self.answers.problems(answer.json, schema)
                check(not problems, f"{where}: {problems[:3]}")
        if answer.type == "application/problem+json" and answer.body:
            check(answer.json["status"] == answer.status, f"{where}: the problem names its status")
            check("no-store" in answer.headers.get("cache-control", "no-store"), f"{where}: no problem is kept by caches")
        for header in response.get("headers", {}):
            optional = answer.status in (401, 409) and header in ("Retry-After",)
            check(optional or header.lower() in answer.headers, f"{where}: has {header}")
        if answer.status < 300 and body:
            schema = operation["requestBody"]["content"][type]["schema"]
            if type == "application/json":
                problems = self.requests.problems(json.loads(body), schema)
                check(not problems, f"{where}: the request fits its schema: {problems[:3]}")


def tables_of_the_source():
    """Every row of every route table, by method and pattern, as the text of the program has it."""
    rows = set()
    for path in glob.glob("*/*_api.c"):
        with open(path) as file:
            rows |= {(method, pattern.replace("*}", "}")) for method, pattern in
                     re.findall(r'\.method = "([A-Z]+)",\s*\.pattern = "([^"]+)"', file.read())}
    return rows


def check_tables(document, report):
    documented = {(method.upper(), path) for path, operations in document["paths"].items() for method in operations}
    rows = tables_of_the_source()
    report.check(len(rows) > 20, "the tables of routes are found in the sources")
    for row in sorted(rows - documented):
        report.check(False, f"{row} is in a table and not in the document")
    for row in sorted(documented - rows):
        report.check(False, f"{row} is in the document and in no table")
    report.check(rows == documented, "the document tells of every row of the tables and of nothing else")
    ids = [one["operationId"] for operations in document["paths"].values() for one in operations.values()]
    report.check(len(ids) == len(set(ids)), "no operation is named twice")


def check_methods(node, document, report):
    """What a path does not know is 405 with the list of what it knows."""
    for path, operations in document["paths"].items():
        target = re.sub(r"\{[a-z0-9]+\}", "1", path)
        known = {method.upper() for method in operations}
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "QUERY"):
            answer = node.ask(method, target)
            wanted = method in known or (method == "HEAD" and "GET" in known)
            if wanted:
                report.check(answer.status != 405 and (method == "HEAD" or answer.code != "route_unknown"),
                             f"{method} {target} answers ({answer.status})")
                continue
            allowed = set(answer.headers.get("allow", "").split(", "))
            report.check(answer.status == 405 and (method == "HEAD" or answer.code == "method_not_allowed"), f"{method} {target} is 405, not {answer.status}")
            # A path may be another one's as well: /v1/datasets/{name}/{version} is also .../{rest*} of nobody.
            report.check(known <= allowed and ("HEAD" in allowed) == ("GET" in allowed), f"{method} {target}: Allow {allowed} names {known}")


# ---- the story: every route is asked until it answers well ----------------------------------------------------------

def commit_votes(node, key, seats, choice):
    votes = []
    for seat in seats:
        item, number = bytes.fromhex(seat["item_id"]), seat["round"]
        salt = key.salt(node.network, item, number, 1)
        votes.append({"item_id": seat["item_id"], "round": number, "sequence": 1,
                      "commitment": key.commitment(node.network, item, number, choice, salt).hex()})
    return {"phase": "commit", "votes": votes}


def reveal_votes(node, key, seats, choice):
    return {"phase": "reveal", "votes": [
        {"item_id": seat["item_id"], "round": seat["round"], "choice": choice,
         "salt": key.salt(node.network, bytes.fromhex(seat["item_id"]), seat["round"], 1).hex()} for seat in seats]}


def tell_registration(node, keys, check):
    roles = {"giver": ["contributor"], "judge1": ["validator"], "judge2": ["validator"], "judge3": ["validator", "contributor"], "lab": ["lab"]}
    for name, wanted in roles.items():
        check(node.ask("POST", "/v1/accounts", keys[name], {"roles": wanted, "robot": True}).status == 201, f"{name} registers")
    check(node.ask("POST", "/v1/accounts", keys["lab"], {"roles": ["lab"]}).status == 200, "registering again changes nothing")
    check(node.ask("POST", "/v1/accounts", keys["lab"], {"roles": ["operator"]}).code == "role_not_open", "nobody makes an operator of himself")
    check(node.ask("POST", "/v1/accounts", keys["lab"], {"roles": ["lab"], "rank": 1}).status == 400, "an unknown member is refused")
    check(node.ask("POST", "/v1/accounts", keys["lab"], b"<roles/>", "text/xml").status == 415, "XML is refused")
    check(node.ask("POST", "/v1/accounts", keys["lab"], {"roles": ["lab"], "salt": "0" * 5000}).status == 413, "a large body is refused")
    check(node.ask("POST", "/v1/accounts", body={"roles": ["lab"]}).status == 401, "an unsigned registration is refused")
    did = keys["judge1"].did
    check(node.ask("GET", f"/v1/accounts/{did}", keys["judge1"]).status == 200, "an owner reads the account")
    check(node.ask("GET", f"/v1/accounts/{did}", keys["judge2"]).status == 403, "another one does not")
    check(node.ask("GET", "/v1/accounts/did:key:me", keys["judge2"]).status == 404, "what is no did:key is not found")


def tell_money(node, keys, check):
    judge, did = keys["judge1"], keys["judge1"].did
    for target, body in (("/v1/stakes", {"amount": "5000"}), ("/v1/unstakes", {"amount": "1000"}),
                         ("/v1/transfers", {"to": keys["judge2"].did, "amount": "7"})):
        name = {"Idempotency-Key": f'"{target}"'}
        first = node.ask("POST", target, judge, body, headers=name)
        check(first.status == 200, f"{target} moves units")
        check(node.ask("POST", target, judge, body, headers=name).body == first.body, f"{target} again answers the same")
        check(node.ask("POST", target, judge, {**body, "amount": "8"}, headers=name).status == 422, f"{target}: the key belongs to another request")
        check(node.ask("POST", target, judge, body).code == "idempotency_missing", f"{target} wants an Idempotency-Key")
        check(node.ask("POST", target, judge, {"amount": 5}, headers={"Idempotency-Key": '"x"'}).status == 400, f"{target}: a number is no amount")
        check(node.ask("POST", target, judge, {**body, "amount": "9" * 18}, headers={"Idempotency-Key": '"y"'}).status == 409, f"{target}: more than there is")
    for name in ("judge2", "judge3", "curator"):
        check(node.ask("POST", "/v1/stakes", keys[name], {"amount": "5000"}, headers={"Idempotency-Key": '"bond"'}).status == 200, f"{name} deposits")
    check(node.ask("GET", "/v1/supply").json["balanced"], "the ledger is balanced")
    stranger = {"to": Key(b"s" * 32).did, "amount": "1"}
    check(node.ask("POST", "/v1/transfers", judge, stranger, headers={"Idempotency-Key": '"z"'}).status == 404, "nobody is paid who is not registered")
    check(node.ask("GET", f"/v1/accounts/{did}/statement?count=1", judge).json["next"] > 0, "a statement goes on")
    check(node.ask("GET", f"/v1/accounts/{did}/statement?count=0", judge).status == 400, "a count of none is refused")


def tell_items(node, keys, check):
    check(node.ask("POST", "/v1/campaigns", keys["operator"], CAMPAIGN).status == 201, "the operator opens a campaign")
    check(node.ask("POST", "/v1/campaigns", keys["operator"], CAMPAIGN).status == 200, "opening it again changes nothing")
    check(node.ask("POST", "/v1/campaigns", keys["operator"], {**CAMPAIGN, "question": "Else?"}).status == 409, "another document under its name is refused")
    check(node.ask("POST", "/v1/campaigns", keys["operator"], {"name": "x"}).status == 400, "a document that is none is refused")
    window = {**CAMPAIGN, "name": "windows", "kind": "window"}
    check(node.ask("POST", "/operator/campaigns", body=window, operator=True).status == 201, "or through the socket")
    check(node.ask("POST", "/operator/campaigns", body=window, operator=True).status == 200, "twice")
    check(node.ask("POST", "/operator/campaigns", body={**window, "question": "?"}, operator=True).status == 409, "not with another document")
    check(node.ask("GET", "/v1/campaigns").json["campaigns"][0]["name"] == CAMPAIGN["name"], "campaigns are listed")
    check(node.ask("GET", "/v1/campaigns/open-gloves").status == 200, "and shown")
    check(node.ask("GET", "/v1/campaigns/no-gloves").status == 404, "an unknown one is not")
    items = "/v1/campaigns/open-gloves/items"
    post = {"content": "A red glove sat on the fence by the school until its owner came by.", "tags": ["glove"]}
    first = node.ask("POST", items, keys["giver"], post)
    check(first.status == 201, "an item is given")
    check(node.ask("POST", items, keys["giver"], post).status == 200, "given again it is the same")
    check(node.ask("POST", items, keys["giver"], {"content": " "}).status == 400, "an empty one is refused")
    check(node.ask("POST", items, keys["giver"], b"<item/>", "text/xml").status == 415, "XML is refused")
    check(node.ask("POST", items, keys["giver"], {"content": "x" * 9000}).status == 413, "a long one is refused")
    check(node.ask("POST", "/v1/campaigns/no-gloves/items", keys["giver"], post).status == 404, "an unknown campaign takes none")
    lines = b'{"id":"a1","text":"Found: one leather glove near the fountain, hardly worn."}\nnot json\n{"content":"   "}\n'
    several = node.ask("POST", items, keys["giver"], lines, "application/x-ndjson")
    check((several.json["accepted"], several.json["refused"]) == (1, 2), "lines get their own answers")
    check(node.ask("POST", "/v1/campaigns/windows/items", keys["giver"], {"content": WINDOW}).status == 201, "a window is given")
    check(node.ask("POST", "/v1/campaigns/windows/close", keys["operator"]).json["campaign"]["open"] is False, "the operator closes a campaign")
    check("receipt" not in node.ask("POST", "/operator/campaigns/windows/close", operator=True).json, "closing it again changes nothing")
    check(node.ask("POST", "/v1/campaigns/no-gloves/close", keys["operator"]).status == 404, "what is not there cannot be closed")
    check(node.ask("POST", "/operator/campaigns/no-gloves/close", operator=True).status == 404, "not through the socket either")
    check(node.ask("POST", "/v1/campaigns/windows/items", keys["giver"], {"content": WINDOW}).code == "campaign_closed", "a closed campaign takes no items")
    owned = node.ask("GET", f"/v1/accounts/{keys['giver'].did}/items", keys["giver"])
    check(len(owned.json["items"]) == 3, "a giver lists the items")
    check(node.ask("GET", f"/v1/accounts/{keys['giver'].did}/items", keys["judge1"]).status == 404, "nobody else does")
    item = first.json["item_id"]
    wait_for("the items are judged", lambda: all(
        one["state"] == "judging" for one in node.ask("GET", f"/v1/accounts/{keys['giver'].did}/items", keys["giver"]).json["items"]))
    check(node.ask("GET", f"/v1/items/{item}", keys["giver"]).json["content"] == post["content"], "whoever gave it reads its text")
    check(node.ask("GET", "/v1/items/" + "0" * 64).status == 404, "an unknown item is not found")
    check(node.ask("GET", "/v1/items/12").status == 404, "an id that is none is not found")
    return item


def tell_votes(node, keys, check, item):
    judges = [keys["judge1"], keys["judge2"], keys["judge3"]]
    intents = iter(range(1000))

    def take(judge, wish):
        return node.ask("POST", "/v1/seats", judge, wish, headers={"Idempotency-Key": f'"task-{next(intents)}"'})

    check(node.ask("POST", "/v1/seats", judges[0], {"campaign": "open-gloves", "count": 1}).code == "idempotency_missing",
          "whoever replays a request for seats gets no more of them")
    check(take(judges[0], {"campaign": "no-gloves", "count": 1}).status == 404, "an unknown campaign has no seats")
    check(take(judges[0], {"campaign": "open-gloves", "count": 0}).status == 400, "nobody takes no seat")
    held = {}
    for judge in judges:
        taken = take(judge, {"campaign": "open-gloves", "count": 64})
        check(taken.status == 200 and len(taken.json["seats"]) == 2, f"a judge takes seats: {taken.body}")
        held[judge] = taken.json["seats"]
    again = take(judges[0], {"campaign": "open-gloves", "items": [item, "f" * 64]})
    check({one["code"] for one in again.json["refused"]} == {"already_served", "no_open_round"}, "and is told why not")
    own = take(keys["curator"], {"campaign": "windows", "count": 1})
    skipped = own.json["seats"][0]["item_id"] if own.status == 200 and own.json["seats"] else None
    check(skipped is not None, "a curator takes a window's seat")
    check(node.ask("DELETE", f"/v1/seats/{skipped}", keys["curator"]).status == 200, "and leaves it")
    check(node.ask("DELETE", f"/v1/seats/{skipped}", keys["curator"]).status == 404, "once")
    check(len(node.ask("GET", "/v1/seats", judges[0]).json["seats"]) == 2, "a judge lists the seats")
    check(node.ask("GET", "/v1/seats?after=here", judges[0]).status == 400, "a cursor that is none is refused")
    check(node.ask("POST", "/v1/ballots", judges[0], {"phase": "wait", "votes": []}).status == 400, "a ballot that is none is refused")
    before = node.seen()
    for judge in judges:
        ballot = node.ask("POST", "/v1/ballots", judge, commit_votes(node, judge, held[judge], 1))
        check({one["result"] for one in ballot.json["results"]} == {"ok"}, "sealed votes count")
    late = node.ask("POST", "/v1/ballots", keys["curator"], commit_votes(node, keys["curator"], held[judges[0]], 1))
    check({one["result"] for one in late.json["results"]} == {"no_seat"}, "without a seat they do not")
    number = held[judges[0]][0]["round"]
    wait_for("all votes are sealed, so the round closes", lambda: node.ask("GET", f"/v1/rounds/{item}/{number}").json["state"] == "reveal")
    check(node.ask("GET", f"/v1/rounds/{item}/99").status == 404, "an unknown round is not found")
    listed = node.ask("GET", "/v1/seats", judges[0]).json["seats"]
    check({one["state"] for one in listed} <= {"reveal", "committed"}, "a seat says that its vote can be opened")

    opens = reveal_votes(node, judges[0], held[judges[0]], 1)
    check(node.ask("POST", "/v1/ballots", judges[0], opens).code == "checkpoint_missing", "nobody opens a vote who verified nothing")
    for field, code in (("1 " + "0" * 63, "checkpoint_malformed"), ("01 " + "0" * 64, "checkpoint_malformed"), ("1 " + "0" * 64, "checkpoint_unknown"),
                        ("9" * 18 + " " + "0" * 64, "checkpoint_unknown"), (before["winnow-checkpoint"], "checkpoint_old")):
        check(node.ask("POST", "/v1/ballots", judges[0], opens, headers={"winnow-checkpoint": field}).code == code, f"a checkpoint {field} is {code}")
    check(node.ask("GET", "/v1/seats", judges[0], headers={"winnow-checkpoint": "1 " + "0" * 64}).code == "checkpoint_unknown", "not only of ballots")

    def opened(judge):
        answer = node.ask("POST", "/v1/ballots", judge, reveal_votes(node, judge, held[judge], 1), headers=node.seen())
        return answer.status == 200 and {one["result"] for one in answer.json["results"]} <= {"ok", "repeated"}
    for judge in judges:
        wait_for("sealed votes are opened", lambda: opened(judge))
    wait_for("the item has its verdict", lambda: node.ask("GET", f"/v1/items/{item}").json["state"] == "provisional")


def tell_dataset(node, keys, check, item):
    recipe = {"dataset": {"name": "gloves", "campaign": "open-gloves"}}
    check(node.ask("POST", "/operator/releases", body={"dataset": {"name": "Gloves"}}, operator=True).status == 400, "a recipe that is none is refused")
    check(node.ask("POST", "/operator/releases", body={"dataset": {"name": "g", "campaign": "none"}}, operator=True).status == 404, "of no campaign nothing is released")

    def accepted():
        node.move_clock(61000)
        return node.ask("GET", f"/v1/items/{item}").json["state"] == "accepted"
    wait_for("the pay round accepts the item", accepted)
    claim = f"/v1/accounts/{keys['giver'].did}/claim"
    wait_for("whoever gave what was accepted has a claim", lambda: node.move_clock(61000) and node.ask("GET", claim, keys["giver"]).status == 200)
    check(node.ask("GET", f"/v1/accounts/{keys['lab'].did}/claim", keys["lab"]).status == 404, "who earned nothing has none")
    check(node.ask("GET", "/v1/status?whole=1").json["items"]["accepted"] >= 1, "the whole status counts accepted items")
    check(node.ask("POST", "/operator/releases", body=recipe, operator=True).status == 202, "a release is wanted")
    check(node.ask("POST", "/operator/releases", body={"dataset": {**recipe["dataset"], "p_good_least": 1}}, operator=True).status == 409, "a dataset is its recipe")
    latest = "/v1/datasets/gloves/latest"
    wait_for("it is published", lambda: node.ask("GET", latest).status == 200 and node.ask("GET", latest).json["state"] == "published")
    check(node.ask("GET", "/v1/datasets").json["datasets"][0]["version"] == 1, "datasets are listed")
    check(node.ask("GET", "/v1/datasets/gloves").status == 200, "and shown")
    check(node.ask("GET", "/v1/datasets/gloves?before=latest").status == 400, "before is a number")
    check(node.ask("GET", "/v1/datasets/mittens").status == 404, "an unknown one is not")
    check(node.ask("GET", "/v1/datasets/gloves/7").status == 404, "nor an unknown version")
    file = node.ask("GET", latest).json["files"][0]
    for target in (file["url"], "/v1/files/" + file["sha256"]):
        whole = node.ask("GET", target)
        check(whole.status == 200 and len(whole.body) == file["bytes"], f"{target} is served whole")
        check(node.ask("GET", target, headers={"Range": "bytes=0-3"}).body == whole.body[:4], f"{target} is served in parts")
        check(node.ask("GET", target, headers={"Range": "bytes=999999999-"}).status == 416, f"{target}: behind its end is nothing")
        check(node.ask("GET", target, headers={"If-None-Match": whole.headers["etag"]}).status == 304, f"{target} is not sent twice")
        check(node.ask("HEAD", target).status == 200, f"{target} answers HEAD")
    check(node.ask("GET", "/v1/datasets/gloves/1/data/none").status == 404, "an unknown file is not found")


def tell_node(node, check):
    for target in ("/v1/network", "/v1/status", "/v1/checkpoint", "/livez", "/readyz", "/metrics", "/openapi.json", "/", "/page/app.js"):
        check(node.ask("GET", target).status == 200, f"{target} answers")
        check(node.ask("HEAD", target).status == 200, f"{target} answers HEAD")
    for target in ("/", "/page/app.js", "/openapi.json"):
        check(node.ask("GET", target, headers={"If-None-Match": node.ask("GET", target).headers["etag"]}).status == 304, f"{target} is not sent twice")
    entries = node.ask("GET", "/v1/journal/entries?from=0&count=2")
    check(entries.json["entries"][0]["entry"]["type"] == "genesis" and entries.json["next"] == 2, "the journal is paged")
    check(node.ask("GET", "/v1/journal/entries?count=none").status == 400, "a count that is none is refused")
    check(node.ask("GET", "/v1/journal/proof?leaf=" + "0" * 64).status == 404, "an unknown leaf has no proof")
    check(node.ask("GET", "/v1/journal/proof?first=1&second=2").json["first"] == 1, "checkpoints grow from each other")
    check(node.ask("GET", "/v1/network", headers={"Signature": "sig1=:AA==:"}).status == 401, "a signature that is there must hold")
    check(node.ask("GET", "/v1/network", body=b"{}").status == 413, "a route without a body takes none")
    check(node.ask("POST", "/operator/clock", body={"advance_ms": 1}).status == 403, "the operator's routes are not for strangers")
    check(node.ask("POST", "/operator/clock", body={"now_ms": 1}, operator=True).status == 409, "a clock does not go back")
    check(node.ask("GET", "/v1/status", headers={"X-Long": "x" * 40000}).status == 431, "a long head is refused")
    check(node.ask("GET", "/v1/campaigns/%").status == 400, "a path that cannot be read is refused")
    check(node.ask("GET", "/v2/network").code == "route_unknown", "an unknown path is a problem")


def main():
    url, state, folder = sys.argv[1:4]
    report = Report()
    node = Node(url, state + "/run/operator.sock")
    keys = {**keys_of(folder), "operator": Key.of_file(state + "/keys/operator.key")}
    served = node.ask("GET", "/openapi.json")
    document = Document(served.json, report)
    report.check(served.json["openapi"] == "3.1.0", "the document says what it is")
    check_tables(served.json, report)
    node.watch = document.watch
    tell_registration(node, keys, report.check)
    tell_money(node, keys, report.check)
    item = tell_items(node, keys, report.check)
    tell_votes(node, keys, report.check, item)
    tell_dataset(node, keys, report.check, item)
    tell_node(node, report.check)
    leaf = node.ask("POST", "/v1/accounts", Key(b"l" * 32), {"roles": ["lab"]}).json["receipt"]["leaf_hash"]
    report.check(node.ask("GET", "/v1/journal/proof?leaf=" + leaf).status in (200, 409), "a receipt's leaf is proven or waits")
    check_methods(node, served.json, report)
    for path, operations in served.json["paths"].items():
        for method in operations:
            name = f"{method.upper()} {path}"
            statuses = document.seen.get(name, set())
            report.check(any(200 <= status < 300 for status in statuses), f"{name} was seen to succeed ({sorted(statuses)})")
    report.end()


main()

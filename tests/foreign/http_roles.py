#!/usr/bin/env python3
"""Every route against everybody who may ask: http_roles.py URL STATE KEYS, behind openapi_check.py, which registered the
keys. What is expected follows from the node's openapi.json, which that program held against the tables."""
import re
import sys

from http_keys import keys_of
from winnow_http import Key, Node, Report

ROLES = {"giver": {"contributor"}, "judge1": {"validator"}, "judge3": {"validator", "contributor"}, "lab": {"lab"},
         "curator": {"curator"}, "operator": {"operator"}}
# What auth.c refuses with; a handler's own 403 has another code.
REFUSALS = {(401, "signature_missing"), (401, "signature_wrong"), (401, "signature_malformed"), (401, "signature_stale"),
            (403, "account_unknown"), (403, "role_missing"), (403, "operator_only")}


def expected(operation, who, through_socket):
    """The refusal that the table demands; "" where the handler is to be reached."""
    access = operation["x-winnow-access"]
    if access == "operator":
        return "" if through_socket else "operator_only"
    if who == "forged":
        return "signature_wrong" if "401" in operation["responses"] else ""
    if access == "open":
        return ""
    if who == "nobody":
        return "signature_missing"
    if access == "signed":
        return ""
    if who == "stranger":
        return "account_unknown"
    wanted = {role for one in operation["security"] for role in one["signature"]}
    return "" if not wanted or wanted & ROLES[who] else "role_missing"


class Forger(Key):
    """Says that it is somebody, and signs with another key."""

    def __init__(self, victim):
        super().__init__(b"f" * 32)
        self.did = victim.did


def main():
    url, state, folder = sys.argv[1:4]
    report, node = Report(), Node(url, state + "/run/operator.sock")
    named = keys_of(folder)
    who = {"nobody": None, "stranger": named["stranger"], "forged": Forger(named["judge1"]),
           **{name: named[name] for name in ROLES if name != "operator"}, "operator": Key.of_file(state + "/keys/operator.key")}
    cells = 0
    for path, operations in node.ask("GET", "/openapi.json").json["paths"].items():
        for method, operation in operations.items():
            target = re.sub(r"\{[a-z0-9]+\}", "1", path)
            body = {} if "requestBody" in operation else None
            for name, key in who.items():
                for through_socket in (False, True):
                    if through_socket and name not in ("nobody", "stranger", "judge1") and operation["x-winnow-access"] != "operator":
                        continue
                    if through_socket and name != "nobody" and operation["x-winnow-access"] == "operator":
                        continue
                    answer = node.ask(method.upper(), target, key, body, headers={"Idempotency-Key": f'"cell-{cells}"'}, operator=through_socket)
                    refusal = answer.code if (answer.status, answer.code) in REFUSALS else ""
                    wanted = expected(operation, name, through_socket)
                    door = " through the operator's socket" if through_socket else ""
                    good = refusal == wanted and answer.status != 500
                    report.check(good, f"{name}{door}: {method.upper()} {path} is {answer.status} {answer.code}, expected {wanted or 'to reach the handler'}")
                    cells += 1
    report.check(cells > 200, "the matrix is whole")
    report.end()


main()

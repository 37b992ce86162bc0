#!/usr/bin/env python3
"""A second reader of checkpoints, proofs and receipts, written from RFC 9162 and C2SP's documents alone.

It shares no line with core/*.c: the trees are the RFC's definitions word by word, signatures are checked by the openssl
command. Uses (exit status 0: holds; 1: refused, with the reason on stderr):

  checkpoint_verify.py note KEY ORIGIN < NOTE            prints size, root in hex, time_ms
  checkpoint_verify.py log KEY ORIGIN ENTRIES < NOTE     ENTRIES: canonical JSON, one entry a line; the note must be their tree's
  checkpoint_verify.py receipt KEY NETWORK LEAF < RECEIPT
  checkpoint_verify.py proofs < LINES                    a line a proof; prints "holds" or "fails" for each:
      inclusion INDEX SIZE LEAF ROOT [HASH...]
      consistency FIRST FIRST_ROOT SECOND SECOND_ROOT [HASH...]
  checkpoint_verify.py self                              the note of golang.org/x/mod/sumdb/note's documentation

KEY, NETWORK, LEAF, ROOT, HASH: 64 hex digits.
"""
import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile

ED25519_SPKI = bytes.fromhex("302a300506032b6570032100")  # RFC 8410, section 4


class Refused(Exception):
    pass


def need(condition, reason):
    if not condition:
        raise Refused(reason)


def signature_holds(key, message, signature):
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("key", "message", "signature")]
        for path, data in zip(paths, (ED25519_SPKI + key, message, signature)):
            with open(path, "wb") as file:
                file.write(data)
        done = subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER",
             "-inkey", paths[0], "-in", paths[1], "-sigfile", paths[2]],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return done.returncode == 0


# ---- C2SP signed-note and tlog-checkpoint --------------------------------------------------------------------------

def open_note(note, name, key):
    """The text of a note that `key` signed under `name`."""
    text, blank, signatures = note.decode("utf-8").rpartition("\n\n")
    need(blank, "no empty line before the signatures")
    text += "\n"
    need(signatures.endswith("\n"), "the last line does not end")
    want = hashlib.sha256(name.encode() + b"\n" + b"\x01" + key).digest()[:4]
    valid = 0
    for line in signatures[:-1].split("\n"):
        parts = line.split(" ")
        need(len(parts) == 3 and parts[0] == "\u2014", "a signature line is malformed: " + line)
        blob = base64.b64decode(parts[2], validate=True)
        if parts[1] == name and blob[:4] == want:
            need(signature_holds(key, text.encode(), blob[4:]), "the signature does not hold")
            valid += 1
    need(valid == 1, "not signed by " + name)
    return text


def read_checkpoint(note, origin, key):
    lines = open_note(note, origin, key).split("\n")
    need(lines.pop() == "", "the text does not end with a line feed")
    need(all(lines), "an empty line")
    need(lines[0] == origin, "another origin")
    size = int(lines[1])
    need(str(size) == lines[1] and 0 <= size < 1 << 63, "the size is not plain decimal")
    root = base64.b64decode(lines[2], validate=True)
    need(len(root) == 32, "the root is not 32 bytes")
    times = [line.split(" ")[1] for line in lines[3:] if line.startswith("time_ms ")]
    need(len(times) == 1 and str(int(times[0])) == times[0], "no time")
    return size, root, int(times[0])


# ---- RFC 9162, section 2.1 -----------------------------------------------------------------------------------------

def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def mth(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return node(mth(leaves[:k]), mth(leaves[k:]))


def inclusion_holds(index, size, leaf, root, path):
    """By recursion over the sizes, from the root downward: not the loop of 2.1.3.2."""
    def climb(m, n, hashes):
        if n == 1:
            need(not hashes, "hashes are left over")
            return leaf
        need(hashes, "hashes are missing")
        k = 1 << ((n - 1).bit_length() - 1)
        if m < k:
            return node(climb(m, k, hashes[:-1]), hashes[-1])
        return node(hashes[-1], climb(m - k, n - k, hashes[:-1]))
    need(0 <= index < size, "the index is outside")
    need(climb(index, size, path) == root, "another root")


def consistency_holds(first, first_root, second, second_root, path):
    """By recursion: the roots of both trees over the same range of leaves."""
    def climb(m, n, hashes, whole):
        if m == n:
            if whole:
                need(not hashes, "hashes are left over")
                return first_root, first_root
            need(len(hashes) == 1, "hashes are missing or left over")
            return hashes[0], hashes[0]
        need(hashes, "hashes are missing")
        k = 1 << ((n - 1).bit_length() - 1)
        if m <= k:
            old, new = climb(m, k, hashes[:-1], whole)
            return old, node(new, hashes[-1])
        old, new = climb(m - k, n - k, hashes[:-1], False)
        return node(hashes[-1], old), node(hashes[-1], new)
    need(0 < first <= second, "the sizes are out of order")
    need(climb(first, second, path, True) == (first_root, second_root), "another root")


def check_line(line):
    words = line.split()
    if words[0] == "inclusion":
        leaf, root, *path = map(bytes.fromhex, words[3:])
        inclusion_holds(int(words[1]), int(words[2]), leaf, root, path)
    else:
        need(words[0] == "consistency", "an unknown proof")
        path = list(map(bytes.fromhex, words[5:]))
        consistency_holds(int(words[1]), bytes.fromhex(words[2]), int(words[3]), bytes.fromhex(words[4]), path)


# ---- the program ---------------------------------------------------------------------------------------------------

def run_note(key, origin, entries=None):
    size, root, time_ms = read_checkpoint(sys.stdin.buffer.read(), origin, bytes.fromhex(key))
    if entries:
        with open(entries, "rb") as file:
            bodies = file.read().split(b"\n")[:-1]
        need(len(bodies) >= size, "fewer entries than the checkpoint says")
        for body in bodies[:size]:
            value = json.loads(body)
            again = json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
            need(again == body, "an entry is not canonical")
            need(isinstance(value["type"], str) and isinstance(value["time_ms"], int), "an entry lacks type or time_ms")
        need(mth([hashlib.sha256(b"\x00" + body).digest() for body in bodies[:size]]) == root, "another root")
    print(size, root.hex(), time_ms)


def run_receipt(key, network, leaf):
    receipt = json.load(sys.stdin)
    need(set(receipt) == {"leaf_hash", "network_id", "signature", "time_ms"}, "other members")
    need(receipt["network_id"] == network, "another network")
    need(receipt["leaf_hash"] == leaf, "another leaf")
    message = (b"winnow/receipt/v1\x00" + bytes.fromhex(network) + bytes.fromhex(leaf)
               + receipt["time_ms"].to_bytes(8, "little"))
    need(signature_holds(bytes.fromhex(key), message, bytes.fromhex(receipt["signature"])), "the signature does not hold")


def run_proofs():
    for line in sys.stdin:
        try:
            check_line(line)
            print("holds")
        except Refused:
            print("fails")


def run_self():
    name, key_hash, key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".split("+", 2)
    key = base64.b64decode(key)
    need(key[0] == 1 and hashlib.sha256(name.encode() + b"\n" + key).hexdigest()[:8] == key_hash, "the key's hash")
    text = ("If you think cryptography is the answer to your problem,\n"
            "then you don't know what your problem is.\n")
    signed = text + ("\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqf"
                     "qdngotpRZb6KE6RyyBwJnAM=\n")
    need(open_note(signed.encode(), name, key[1:]) == text, "the known note")
    try:
        open_note(signed.replace("answer", "Answer").encode(), name, key[1:])
    except Refused:
        return
    raise Refused("an altered note was accepted")


def main():
    commands = {"note": run_note, "log": run_note, "receipt": run_receipt, "proofs": run_proofs, "self": run_self}
    try:
        commands[sys.argv[1]](*sys.argv[2:])
    except (Refused, ValueError, KeyError, TypeError, IndexError) as reason:
        print("refused:", reason, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

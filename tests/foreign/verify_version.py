#!/usr/bin/env python3
"""A second implementation of the check of a dataset version: standard library, and openssl for Ed25519.

    verify_version.py DIR KEY      KEY: minisign public key in base64
"""
import base64
import gzip
import hashlib
import json
import os
import subprocess
import sys
import tempfile

ITEM = ("author", "basis", "content", "kind", "language", "licence", "published_ms", "source", "source_id", "tags")


def need(held, what):
    if not held:
        print("bad:", what)
        sys.exit(1)


def sha(data):
    return hashlib.sha256(data).digest()


def canonical(value):
    """RFC 8785 for values without fractions: names sorted by UTF-16, short escapes, nothing else escaped."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(canonical(n) + ":" + canonical(value[n]) for n in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(v) for v in value) + "]"
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def root_of(leaves):
    """RFC 9162, 2.1.1, as it is written there."""
    if not leaves:
        return sha(b"")
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return sha(b"\x01" + root_of(leaves[:half]) + root_of(leaves[half:]))


def ed25519(public, message, signature):
    with tempfile.TemporaryDirectory() as folder:
        def put(name, data):
            path = os.path.join(folder, name)
            with open(path, "wb") as file:
                file.write(data)
            return path
        # SubjectPublicKeyInfo of RFC 8410 is this prefix and the key.
        der = put("key", bytes.fromhex("302a300506032b6570032100") + public)
        done = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", der, "-rawin",
                               "-in", put("message", message), "-sigfile", put("signature", signature)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return done.returncode == 0


def did_key(did):
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    need(did.startswith("did:key:z"), "a did:key")
    number = 0
    for letter in did[len("did:key:z"):]:
        number = number * 58 + alphabet.index(letter)
    raw = number.to_bytes(34, "big")
    need(raw[:2] == b"\xed\x01", "an Ed25519 did:key")
    return raw[2:]


def check_minisign(manifest, text, key):
    raw_key = base64.b64decode(key, validate=True)
    need(len(raw_key) == 42 and raw_key[:2] == b"Ed", "the key is minisign's")
    lines = text.decode().split("\n")
    need(len(lines) == 5 and lines[4] == "", "a signature has four lines")
    raw, again = base64.b64decode(lines[1], validate=True), base64.b64decode(lines[3], validate=True)
    need(raw[:2] == b"ED" and raw[2:10] == raw_key[2:10], "signed by the key that was given")
    need(ed25519(raw_key[10:], hashlib.blake2b(manifest).digest(), raw[10:]), "the manifest's signature")
    comment = lines[2][len("trusted comment: "):].encode()
    need(ed25519(raw_key[10:], raw[10:] + comment, again), "the comment's signature")
    return raw_key[10:]


def check_note(manifest, key):
    note = manifest["checkpoint"]["note"]
    body, signatures = note.split("\n\n")
    lines = (body + "\n").split("\n")
    need(lines[0] == "winnow/" + manifest["network_id"][:16], "the note's origin")
    need(int(lines[1]) == manifest["checkpoint"]["size"], "the note's size")
    need(base64.b64decode(lines[2]).hex() == manifest["checkpoint"]["root"], "the note's root")
    blob = base64.b64decode(signatures.split("\n")[0].split(" ")[2])
    need(blob[:4] == sha(lines[0].encode() + b"\n\x01" + key)[:4], "the note's key")
    need(ed25519(key, (body + "\n").encode(), blob[4:]), "the note's signature")


def split_of(recipe, item):
    place = int.from_bytes(sha(b"winnow/split/v1\0" + item)[:8], "little") % 1000000
    for split in recipe["splits"]:
        if place < split["ppm"]:
            return split["name"]
        place -= split["ppm"]
    return None


def check_rows(folder, manifest):
    network, leaves, before = bytes.fromhex(manifest["network_id"]), [], b""
    for name in sorted(f["path"] for f in manifest["files"] if f["path"].startswith("data/")):
        with gzip.open(os.path.join(folder, name)) as shard:
            for line in shard:
                need(line.endswith(b"\n"), "a line ends")
                line = line[:-1]
                row = json.loads(line)
                need(canonical(row).encode() == line, "a row is canonical")
                if row["export"] == "full":
                    content = sha(canonical({member: row[member] for member in ITEM}).encode())
                else:
                    content = bytes.fromhex(row["canonical_sha256"])
                item = sha(b"winnow/item/v1\0" + network + bytes.fromhex(row["salt"]) + content)
                need(item.hex() == row["item_id"], "a row's item id follows from its content")
                need(item > before, "rows are sorted")
                need(row["split"] == split_of(manifest["recipe"], item), "a row is in its split")
                need(row["p_good"] >= manifest["recipe"]["p_good_least"], "a row meets the recipe")
                need(row["licence"] in manifest["licences"], "a row's licence is listed")
                before = item
                leaves.append(sha(b"\0" + line))
    need(len(leaves) == manifest["row_count"], "the row count")
    need(root_of(leaves).hex() == manifest["row_root"], "the row root")
    with open(os.path.join(folder, "receipts/rows.bin"), "rb") as receipts:
        need(receipts.read() == b"".join(leaves), "the receipts")
    return len(leaves)


def main(folder, key):
    def read(name):
        with open(os.path.join(folder, name), "rb") as file:
            return file.read()
    raw = read("manifest.json")
    signer = check_minisign(raw, read("manifest.json.minisig"), key)
    manifest = json.loads(raw)
    need(canonical(manifest).encode() == raw, "the manifest is canonical")
    there = sorted(os.path.relpath(os.path.join(at, name), folder) for at, _, names in os.walk(folder) for name in names)
    need(there == sorted([f["path"] for f in manifest["files"]] + ["manifest.json", "manifest.json.minisig"]), "the files that there are")
    for file in manifest["files"]:
        try:
            data = read(file["path"])
        except OSError:
            need(False, file["path"])
        need(len(data) == file["bytes"] and sha(data).hex() == file["sha256"], file["path"])
    sums = "".join("%s  %s\n" % (f["sha256"], f["path"]) for f in manifest["files"] if f["path"] != "SHA256SUMS")
    need(read("SHA256SUMS").decode() == sums, "SHA256SUMS")
    genesis = read("genesis.json")
    need(sha(genesis).hex() == manifest["network_id"], "the genesis is the network's")
    keys = json.loads(genesis)["keys"]
    need(keys["manifest"] == manifest["manifest_key"] and did_key(keys["manifest"]) == signer, "the genesis names the signer")
    need(keys["checkpoint"] == manifest["checkpoint_key"], "the genesis names the checkpoint key")
    need(sha(read("campaign.json")).hex() == manifest["campaign_sha256"], "the campaign's document")
    need(read("checkpoint").decode() == manifest["checkpoint"]["note"], "the checkpoint's file")
    check_note(manifest, did_key(manifest["checkpoint_key"]))
    rows = check_rows(folder, manifest)
    print("good: %s version %d, %d rows, root %s" % (manifest["dataset"], manifest["version"], rows, manifest["row_root"]))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

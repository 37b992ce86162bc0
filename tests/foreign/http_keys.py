#!/usr/bin/env python3
"""Keys of the HTTP tests, the same in every run: http_keys.py FOLDER GENESIS writes key files as winnow reads them and a
genesis in which those who judge have units and one key is a curator."""
import hashlib
import json
import os
import sys

from winnow_http import Key

NAMES = ("giver", "judge1", "judge2", "judge3", "lab", "curator", "stranger")


def keys_of(folder):
    return {name: Key.of_file(f"{folder}/{name}") for name in NAMES}


def main():
    folder, genesis = sys.argv[1:3]
    os.makedirs(folder, mode=0o700)
    keys = {name: Key(hashlib.sha256(b"http test " + name.encode()).digest()) for name in NAMES}
    for name, key in keys.items():
        with open(os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump({"did": key.did, "signing_seed": key.seed.hex(), "vote_seed": key.vote_seed.hex()}, file)
    with open(genesis, "w") as file:
        json.dump({"policy": {"epoch_ms": 60000, "stake_least": "0", "seat_bond_floor": "0"},
                   "grants": [{"account": keys[name].did, "amount": "1000000"} for name in ("judge1", "judge2", "judge3", "curator")],
                   "curators": [keys["curator"].did]}, file)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""A small invented recording for crash tests: recording.py FOLDER POSTS."""
import csv, json, os, random, sys

folder, count = sys.argv[1], int(sys.argv[2])
os.mkdir(folder)
draw = random.Random(20260202)
words = """orchard ladder basket apple pear plum branch frost bee hive blossom cider press barrel cart gate fence ditch rain
wagon picker glove knife twine crate market morning noon dusk heavy light ripe green sour sweet early late upper lower carried
counted sorted dropped washed weighed loaded mended watched pruned grafted dug sprayed""".split()
posts, truth = [], {}
for number in range(count):
    kind = draw.choice(["no", "yes"])
    text = " ".join(draw.choice(words) for _ in range(18)) + (" after the harvest" if kind == "yes" else " and nothing more")
    posts.append({"id": "post-%d" % number, "text": text})
    truth["post-%d" % number] = kind
with open(folder + "/posts.ndjson", "w") as file:
    for post in posts:
        file.write(json.dumps(post) + "\n")
with open(folder + "/votes.csv", "w", newline="") as file:
    table = csv.writer(file)
    table.writerow(["post", "worker", "choice"])
    for post in posts:
        for worker in draw.sample(range(10), 9):
            right = truth[post["id"]]
            wrong = "yes" if right == "no" else "no"
            table.writerow([post["id"], "worker %d" % worker, right if draw.random() > 0.05 + 0.02 * worker else wrong])
with open(folder + "/truth.csv", "w", newline="") as file:
    table = csv.writer(file)
    table.writerow(["post", "choice"])
    for post in posts:
        table.writerow([post["id"], truth[post["id"]]])
with open(folder + "/campaign.json", "w") as file:
    json.dump({"name": "orchard-harvest", "kind": "text", "question": "Does the post tell of the time after the harvest?",
        "choices": [{"name": "no", "verdict": "reject"}, {"name": "yes", "verdict": "keep"}],
        "languages": ["en"], "licence": "other", "basis": "recorded",
        "panel": {"mode": "open", "pick": True, "seats": 5, "escalate": 4}}, file)

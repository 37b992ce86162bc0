"""An invented recording, for tests: 40 posts, 12 workers who err at different rates, an answer that abstains, known answers for most posts.

usage: harbour.py FOLDER
"""
import csv, json, os, random, sys
folder = sys.argv[1]
os.mkdir(folder)
draw = random.Random(20260101)
words = """harbour crane barrel rope gull tide lantern ferry anchor cargo pier captain fog whistle ladder herring sail deck
compass bell wharf pilot buoy net barge mast engine chain sailor market crate tar oar quay winch bollard current dock signal
flag rudder hatch bridge morning evening yellow heavy quiet broken empty patient narrow rusty distant early slowly twice
carried lowered painted waited counted lifted watched repaired loaded tied""".split()
posts, truth = [], {}
for number in range(40):
    kind = draw.choice(["no", "yes"])
    text = " ".join(draw.choice(words) for _ in range(18)) + (" at work again" if kind == "yes" else " and nothing else")
    assert len(text) >= 80
    posts.append({"id": "post-%d" % number, "text": text})
    truth["post-%d" % number] = kind
with open(folder + "/posts.ndjson", "w") as file:
    for post in posts:
        file.write(json.dumps(post) + "\n")
errors = [0.04 + 0.03 * worker for worker in range(12)]
with open(folder + "/votes.csv", "w", newline="") as file:
    table = csv.writer(file)
    table.writerow(["post", "worker", "choice"])
    for post in posts:
        workers = list(range(12))
        draw.shuffle(workers)
        for worker in workers[: draw.randint(9, 12)]:
            right = truth[post["id"]]
            choice = right if draw.random() > errors[worker] else "yes" if right == "no" else "no"
            table.writerow([post["id"], "worker \"%d\"" % worker, "cannot_tell" if draw.random() < 0.05 else choice])
with open(folder + "/truth.csv", "w", newline="") as file:
    table = csv.writer(file)
    table.writerow(["post", "choice"])
    for number, post in enumerate(posts):
        if number % 10 < 9:
            table.writerow([post["id"], truth[post["id"]]])
with open(folder + "/campaign.json", "w") as file:
    json.dump({"name": "harbour-cranes", "kind": "text", "question": "Does the post tell of a crane at work?",
        "choices": [{"name": "no", "verdict": "reject"}, {"name": "yes", "verdict": "keep"},
            {"name": "cannot_tell", "verdict": "abstain"}],
        "languages": ["en"], "licence": "other", "basis": "recorded",
        "panel": {"mode": "open", "pick": True, "seats": 5, "escalate": 4}}, file)

#!/usr/bin/env python3
"""A second implementation of the duplicate check, written from the text of embed_spec.h, norm.h and linker.h alone.

It shares no line with the C and uses Python's own Unicode tables, so that where both agree the specification was read
twice. Input is one JSON string a line (or an object with a member "text"); only standard input and output are touched.

  minhash_oracle.py sign         prints what is computed of each text, one line a text, fields apart by a blank: raw
                                 SHA-256, normalised SHA-256, digits, distinct shingles, lanes, band keys (hex)
  minhash_oracle.py link [N D]   prints each text's verdict by brute force, without signatures: method, number of its
                                 origin, numerator, denominator; N/D is the threshold, 7/10 unless given
  minhash_oracle.py pairs [N D]  prints all pairs whose exact Jaccard reaches N/D: numbers, shingles in common, in either
  minhash_oracle.py figures      prints the C initialisers of tests/gpu_embed/figures.h for the texts of its own list

Python's Unicode may be older than the specification's: `sign` prints "-" for a text with a code point that is not
assigned in it.
"""
import hashlib
import json
import sys
import unicodedata

M32 = (1 << 32) - 1
M64 = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
SEED = 0x77696E6E6F770001
BASE = 0x9E3779B1
LANES, BANDS, ROWS = 128, 25, 5
SHINGLES_LEAST = 12
DIGITS_BELOW = 60
POINTS_MAX = 8192
MARKS_MAX = 30

# Default_Ignorable_Code_Point of the Unicode character database.
IGNORABLE = [(0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
             (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
             (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF)]
# Han, Kana, Hangul.
WIDE = [(0x1100, 0x11FF), (0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3021, 0x3029), (0x3038, 0x303B), (0x3041, 0x30FF),
        (0x3131, 0x318E), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA960, 0xA97F), (0xAC00, 0xD7FF),
        (0xF900, 0xFAFF), (0xFF66, 0xFFDC), (0x1AFF0, 0x1B16F), (0x20000, 0x3FFFF)]
BLANK = set(range(0x21)) | set(range(0x7F, 0xA1)) | set(range(0x2000, 0x200B)) | {0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000}


def within(point, ranges):
    return any(first <= point <= last for first, last in ranges)


# ---- normalisation -----------------------------------------------------------------------------------------------

def fold(c):
    """Case folding and compatibility decomposition of one character, as deep as they go."""
    if within(ord(c), IGNORABLE):
        return ""
    for wider in (c.casefold(), unicodedata.normalize("NFKD", c)):
        if wider != c:
            return "".join(fold(d) for d in wider)
    return c


def normalise(text):
    kept, marks = [], 0
    for c in "".join(fold(c) for c in text):
        marks = marks + 1 if unicodedata.combining(c) else 0
        if marks <= MARKS_MAX:
            kept.append(c)
    composed = unicodedata.normalize("NFC", "".join(kept))
    words = "".join(" " if ord(c) in BLANK else c for c in composed).split(" ")
    return " ".join(word for word in words if word)


def assigned(text):
    return all(unicodedata.category(c) != "Cn" for c in text)


# ---- the integer specification -----------------------------------------------------------------------------------

def fmix32(h):
    h ^= h >> 16
    h = h * 0x85EBCA6B & M32
    h ^= h >> 13
    h = h * 0xC2B2AE35 & M32
    return h ^ h >> 16


def mix64(z):
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & M64
    z = (z ^ z >> 27) * 0x94D049BB133111EB & M64
    return z ^ z >> 31


def splitmix64(state):
    while True:
        state = (state + GOLDEN) & M64
        yield mix64(state)


STREAM = splitmix64(SEED)
FACTORS = []
for _ in range(LANES):
    z = next(STREAM)
    FACTORS.append((z & 0xFFFF | 1, z >> 16 & 0xFFFF | 1))


def shingles(text):
    if len(text) > POINTS_MAX:
        return set()
    points = [ord(c) for c in text]
    wide = sum(within(p, WIDE) for p in points)
    width = 3 if 2 * wide > len(points) - points.count(0x20) else 5
    found = set()
    for i in range(len(points) - width + 1):
        h = width
        for p in points[i:i + width]:
            h = (h * BASE + p) & M32
        found.add(fmix32(h))
    return found


def lanes(found):
    out = []
    for a, c in FACTORS:
        out.append(min(((c * (x >> 16) + (a * (x & 0xFFFF) >> 16)) & 0xFFFF for x in found), default=0xFFFF))
    return out


def band_keys(signature):
    keys = []
    for band in range(BANDS):
        five = signature[ROWS * band:ROWS * band + ROWS]
        low = sum(lane << 16 * i for i, lane in enumerate(five[:4]))
        high = five[4] | band + 1 << 16
        keys.append(mix64(low ^ high * GOLDEN & M64))
    return keys


def digits(text):
    h, inside = 0, False
    for c in text:
        digit = unicodedata.category(c) == "Nd"
        if digit:
            h = mix64((h + ord(c) + GOLDEN) & M64)
        elif inside:
            h = mix64((h + GOLDEN) & M64)
        inside = digit
    return mix64((h + GOLDEN) & M64) if inside else h


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def sign(text):
    normal = normalise(text)
    found = shingles(normal)
    signature = lanes(found)
    return (sha256(text), sha256(normal), "%016x" % digits(normal), str(len(found)), "".join("%04x" % x for x in signature),
            "".join("%016x" % x for x in band_keys(signature)))


# ---- the linker's rule, without an index ---------------------------------------------------------------------------

class Post:
    def __init__(self, text):
        self.text = text
        self.normal = normalise(text)
        self.shingles = shingles(self.normal)
        self.near = len(self.shingles) >= SHINGLES_LEAST
        self.digits = digits(self.normal)


def jaccard(a, b):
    common = len(a.shingles & b.shingles)
    return common, len(a.shingles) + len(b.shingles) - common


def repeats(post, leader, n, d):
    common, either = jaccard(post, leader)
    if min(len(post.shingles), len(leader.shingles)) < DIGITS_BELOW and post.digits != leader.digits:
        return None
    return (common, either) if common * d >= n * either else None


def link(texts, n, d):
    leaders = []
    for number, text in enumerate(texts):
        post = Post(text)
        verdict = None
        for other, leader in leaders:
            if leader.normal == post.normal:
                verdict = ("exact" if leader.text == post.text else "norm", other, 1, 1)
                break
        if not verdict and post.near:
            for other, leader in leaders:
                fraction = repeats(post, leader, n, d) if leader.near else None
                if fraction:
                    verdict = ("minhash", other) + fraction
                    break
        if not verdict:
            leaders.append((number, post))
            verdict = ("none", number, 0, 1)
        yield verdict


def pairs(texts, n, d):
    posts = [Post(text) for text in texts]
    where = {}
    for number, post in enumerate(posts):
        counts = {}
        for x in post.shingles:
            for other in where.get(x, ()):
                counts[other] = counts.get(other, 0) + 1
            where.setdefault(x, []).append(number)
        for other, common in sorted(counts.items()):
            either = len(post.shingles) + len(posts[other].shingles) - common
            if common * d >= n * either:
                yield other, number, common, either


# ---- figures -------------------------------------------------------------------------------------------------------

FIGURES = [
    "",
    "gm",
    "The quick brown fox jumps over the lazy dog.",
    "THE  QUICK\tbrown fox\u00a0jumps over the lazy dog.\n",
    "Gr\u00fc\u00dfe aus K\u00f6ln: 21,5 \u00b0C um \uff11\uff12 Uhr, \u2168 Grad \ufb01nden wir \u00bd so sch\u00f6n wie gestern",
    "\u6628\u65e5\u306f\u4e00\u65e5\u4e2d\u96e8\u304c\u964d\u3063\u3066\u3044\u305f\u3002\u660e\u65e5\u306f\u6674\u308c\u308b\u3068\u3044\u3044\u306a\u3042\u3001\uff76\uff9e\uff9d\uff8a\uff9e\u308a\u307e\u3059",
    "\uc624\ub298 \uc11c\uc6b8\uc5d0\ub294 \ud558\ub8e8 \uc885\uc77c \ube44\uac00 \ub0b4\ub838\uc2b5\ub2c8\ub2e4. \ub0b4\uc77c\uc740 \ub9d1\uaca0\uc2b5\ub2c8\ub2e4",
    "z\u200be\u200dr\u2060o \u202ewidth\u202c \u00adand bidi\ufe0f",
    "\u0646\u0635 \u0639\u0631\u0628\u064a \u0641\u064a\u0647 \u0667\u0668\u0669 \u0623\u0631\u0642\u0627\u0645 \ufdfa \u0648\u0643\u0644\u0645\u0627\u062a \u0623\u062e\u0631\u0649",
    "\U0001f327\U0001f327\U0001f327 rain again \U0001f469\u200d\U0001f33e\ufe0f \u2764\ufe0f so much rain this week, 14.2 mm in 3 hours",
    "a" + "\u0301\u0316" * 40 + " piled up",
    "I\u0307stanbul \u0130STANBUL \u1e9e \u03a3\u0391\u03a3 \u1fb3 \u0345\u0390 \u212b \u2126",
]


def figures():
    """Written for the purpose, so that the tests need no Python where there is none."""
    for text in FIGURES:
        raw, normal, digit, size, signature, keys = sign(text)
        quoted = "".join("\\x%02x" % byte for byte in text.encode())
        print('\t{ "%s",\n\t\t"%s", "%s",\n\t\t"%s", 0x%s, %s,' % (quoted, raw, normal, sha256(signature + keys), digit, size))
        print('\t\t{ %s }, { %s } },' % (", ".join("0x" + signature[i:i + 4] for i in (0, 4, 508)),
                                        ", ".join("0x" + keys[i:i + 16] for i in (0, 384))))


def main(arguments):
    mode = arguments[0] if arguments else ""
    if mode == "figures":
        return figures()
    if mode not in ("sign", "link", "pairs"):
        sys.exit(__doc__)
    n, d = (int(arguments[1]), int(arguments[2])) if len(arguments) > 2 else (7, 10)
    values = [json.loads(line) for line in sys.stdin.buffer if line.strip()]
    texts = [value if isinstance(value, str) else value["text"] for value in values]
    if mode == "sign":
        for text in texts:
            print(" ".join(sign(text)) if assigned(text) else "-")
    else:
        for row in link(texts, n, d) if mode == "link" else pairs(texts, n, d):
            print(" ".join(str(x) for x in row))


if __name__ == "__main__":
    main(sys.argv[1:])

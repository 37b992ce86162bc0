"""A second implementation of the client's side: Ed25519 (RFC 8032), did:key, signed requests (RFC 9421, RFC 9530),
votes' commitments, and the part of JSON Schema 2020-12 that openapi.json uses. Standard library only; for tests."""
import base64
import hashlib
import hmac
import http.client
import json
import re
import socket
import struct
import time
from urllib.parse import urlsplit

# ---- Ed25519 ----------------------------------------------------------------------------------------------------
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def point_add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def base_point():
    y = 4 * pow(5, P - 2, P) % P
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x & 1:
        x = P - x
    return x, y, 1, x * y % P


DOUBLES = [base_point()]
while len(DOUBLES) < 256:
    DOUBLES.append(point_add(DOUBLES[-1], DOUBLES[-1]))


def base_times(scalar):
    total = (0, 1, 1, 0)
    for bit in range(256):
        if scalar >> bit & 1:
            total = point_add(total, DOUBLES[bit])
    inverse = pow(total[2], P - 2, P)
    x, y = total[0] * inverse % P, total[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def integer(data):
    return int.from_bytes(data, "little")


class Key:
    def __init__(self, seed, vote_seed=None):
        self.seed, self.vote_seed = seed, vote_seed or hashlib.sha256(b"votes of" + seed).digest()
        wide = hashlib.sha512(seed).digest()
        self.scalar = integer(wide[:32]) & ((1 << 254) - 8) | 1 << 254
        self.prefix = wide[32:]
        self.public = base_times(self.scalar)
        self.did = "did:key:z" + base58(b"\xed\x01" + self.public)

    def sign(self, message):
        r = integer(hashlib.sha512(self.prefix + message).digest()) % L
        first = base_times(r)
        k = integer(hashlib.sha512(first + self.public + message).digest()) % L
        return first + ((r + k * self.scalar) % L).to_bytes(32, "little")

    def salt(self, network, item, round_number, sequence):
        text = b"winnow/salt/v1\0" + network + item + struct.pack("<IQ", round_number, sequence) + self.public
        return hmac.new(self.vote_seed, text, hashlib.sha256).digest()

    def commitment(self, network, item, round_number, choice, salt):
        text = b"winnow/vote/v1\0" + network + item + struct.pack("<I", round_number) + self.public
        return hashlib.sha256(text + bytes([choice]) + salt).digest()

    @staticmethod
    def of_file(path):
        with open(path) as file:
            members = json.load(file)
        return Key(bytes.fromhex(members["signing_seed"]), bytes.fromhex(members["vote_seed"]))


def base58(data):
    letters = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        text = letters[rest] + text
    return text


# ---- requests ---------------------------------------------------------------------------------------------------
class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(30)
        self.sock.connect(self.path)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.type = headers.get("content-type", "").split(";")[0]

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json["type"].rsplit("/", 1)[1] if self.type == "application/problem+json" else ""


class Node:
    """One node; `watch`, when set, is called with each request and its answer."""

    def __init__(self, url, operator_socket):
        self.authority = urlsplit(url).netloc
        self.operator_socket = operator_socket
        self.watch = None
        network = self.ask("GET", "/v1/network").json
        self.network = bytes.fromhex(network["network_id"])
        self.tag = "winnow-" + network["network_id"][:16]
        # A manual clock judges how fresh a signature is, and only this program moves it.
        self.clock_ms = network["now_ms"] if network["clock_manual"] else None

    def sign(self, key, method, target, headers, body):
        path, _, query = target.partition("?")
        now = int(time.time()) if self.clock_ms is None else self.clock_ms // 1000
        covered = [("@method", method), ("@authority", self.authority), ("@path", path), ("@query", "?" + query)]
        if body:
            digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
            headers["content-digest"] = f"sha-256=:{digest}:"
            covered += [(name, headers[name]) for name in ("content-digest", "content-type")]
        covered += [(name, headers[name]) for name in ("idempotency-key", "winnow-checkpoint") if name in headers]
        names = " ".join(f'"{name}"' for name, _ in covered)
        inside = f'({names});created={now};keyid="{key.did}";alg="ed25519";tag="{self.tag}"'
        base = "".join(f'"{name}": {value}\n' for name, value in covered) + f'"@signature-params": {inside}'
        headers["signature-input"] = "sig1=" + inside
        headers["signature"] = "sig1=:" + base64.b64encode(key.sign(base.encode())).decode() + ":"

    def seen(self):
        """The node's newest checkpoint as a signed request names it."""
        lines = self.ask("GET", "/v1/checkpoint").body.decode().split("\n")
        return {"winnow-checkpoint": f"{lines[1]} {base64.b64decode(lines[2]).hex()}"}

    def ask(self, method, target, key=None, body=None, type="application/json", headers=None, operator=False):
        headers = {name.lower(): value for name, value in (headers or {}).items()}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body, ensure_ascii=False).encode()
        if body is not None:
            headers["content-type"] = type
        if key:
            self.sign(key, method, target, headers, body)
        connection = (UnixConnection(self.operator_socket) if operator
                      else http.client.HTTPConnection(self.authority, timeout=30))
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", self.authority)
        if body is not None or method in ("POST", "PUT"):
            connection.putheader("Content-Length", str(len(body or b"")))
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        reply = connection.getresponse()
        answer = Answer(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())
        connection.close()
        if self.watch:
            self.watch(method, target, body, type, headers, answer)
        return answer

    def move_clock(self, advance_ms):
        answer = self.ask("POST", "/operator/clock", body={"advance_ms": advance_ms}, operator=True)
        self.clock_ms = answer.json["now_ms"]
        return answer


def wait_for(sentence, question, seconds=20):
    """The first answer of `question` that is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = question()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s in vain: {sentence}")


# ---- JSON Schema 2020-12 ------------------------------------------------------------------------------------------
TYPES = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}
KNOWN = {"$ref", "description", "type", "const", "enum", "oneOf", "required", "properties", "additionalProperties",
         "propertyNames", "items", "minItems", "maxItems", "uniqueItems", "minLength", "maxLength", "pattern", "minimum", "maximum"}


class Schemas:
    """Problems of a value as sentences; none: it is valid. `strict`: also members that no `properties` names are told,
    so that an answer cannot have more than its schema tells."""

    def __init__(self, document, strict=False):
        self.document, self.strict = document, strict

    def resolve(self, reference):
        node = self.document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part.replace("~1", "/").replace("~0", "~")]
        return node

    def problems(self, value, schema, at="$"):
        unknown = set(schema) - KNOWN
        assert not unknown, f"the checker does not know {unknown}"
        found = []
        if "$ref" in schema:
            found += self.problems(value, self.resolve(schema["$ref"]), at)
        types = schema.get("type", [])
        types = [types] if isinstance(types, str) else types
        if types and not any(TYPES[name](value) for name in types):
            return found + [f"{at} is no {' or '.join(types)}"]
        if "const" in schema and (value != schema["const"] or type(value) is not type(schema["const"])):
            found.append(f"{at} is not {schema['const']!r}")
        if "enum" in schema and value not in schema["enum"]:
            found.append(f"{at} is {value!r}, none of {schema['enum']}")
        if "oneOf" in schema:
            tried = [self.problems(value, one, at) for one in schema["oneOf"]]
            if sum(not problems for problems in tried) != 1:
                found.append(f"{at} fits {sum(not problems for problems in tried)} of {len(tried)} alternatives: {tried}")
        if isinstance(value, dict):
            found += self.problems_of_object(value, schema, at)
        if isinstance(value, list):
            if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
                found.append(f"{at} has {len(value)} elements")
            if schema.get("uniqueItems") and len({json.dumps(one, sort_keys=True) for one in value}) != len(value):
                found.append(f"{at} repeats itself")
            for index, one in enumerate(value if "items" in schema else []):
                found += self.problems(one, schema["items"], f"{at}[{index}]")
        if isinstance(value, str):
            if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
                found.append(f"{at} has {len(value)} characters")
            if "pattern" in schema and not re.search(schema["pattern"], value):
                found.append(f"{at} is {value!r}, not {schema['pattern']}")
        if TYPES["integer"](value) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            found.append(f"{at} is {value}")
        return found

    def problems_of_object(self, value, schema, at):
        found = [f"{at} lacks {name}" for name in schema.get("required", []) if name not in value]
        names, others = schema.get("properties", {}), schema.get("additionalProperties")
        if others is None and self.strict and "properties" in schema:
            others = False
        for name, one in value.items():
            if "propertyNames" in schema:
                found += self.problems(name, schema["propertyNames"], f"{at}: name {name}")
            if name in names:
                found += self.problems(one, names[name], f"{at}.{name}")
            elif others is False:
                found.append(f"{at}.{name} is told by no schema")
            elif isinstance(others, dict):
                found += self.problems(one, others, f"{at}.{name}")
        return found


class Report:
    """Checks as sentences; the last line is what tests/run.sh reads."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, good, sentence):
        if good:
            self.passed += 1
        else:
            self.failed += 1
            print("FAIL", sentence)
        return good

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed, 0 skipped")
        raise SystemExit(1 if self.failed else 0)

// A client of winnow on other people's libraries: keys by node:crypto, signatures by http-message-signatures.
import { createHash, createHmac, createPrivateKey, createPublicKey, sign, webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";
import signatures from "http-message-signatures";

const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex"); // RFC 8410, section 7: what stands before a seed
const LETTERS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const MULTICODEC = Buffer.from("ed01", "hex");
const ANSWER_MS = 30000;

export const sha256 = (...parts) => {
	const hash = createHash("sha256");
	for (const part of parts)
		hash.update(part);
	return hash.digest();
};

function base58(bytes) {
	let number = BigInt("0x" + bytes.toString("hex")), text = "";
	for (; number > 0n; number /= 58n)
		text = LETTERS[Number(number % 58n)] + text;
	return text;
}

// The raw key of a did:key.
export function keyOfDid(did) {
	let number = 0n;
	for (const letter of did.slice("did:key:z".length))
		number = number * 58n + BigInt(LETTERS.indexOf(letter));
	const bytes = Buffer.from(number.toString(16).padStart(68, "0"), "hex");
	if (!did.startsWith("did:key:z") || bytes.length !== 34 || !bytes.subarray(0, 2).equals(MULTICODEC))
		throw new Error(did + " is no did:key of an Ed25519 key");
	return bytes.subarray(2);
}

const u32 = (number) => { const bytes = Buffer.alloc(4); bytes.writeUInt32LE(number); return bytes; };
export const u64 = (number) => { const bytes = Buffer.alloc(8); bytes.writeBigUInt64LE(BigInt(number)); return bytes; };

export class Key {
	constructor(seed, voteSeed) {
		this.pkcs8 = Buffer.concat([PKCS8, seed]);
		this.private = createPrivateKey({ key: this.pkcs8, format: "der", type: "pkcs8" });
		this.public509 = createPublicKey(this.private);
		this.public = this.public509.export({ format: "der", type: "spki" }).subarray(-32);
		this.did = "did:key:z" + base58(Buffer.concat([MULTICODEC, this.public]));
		this.voteSeed = voteSeed;
	}

	static ofFile(path) {
		const members = JSON.parse(readFileSync(path, "utf8"));
		return new Key(Buffer.from(members.signing_seed, "hex"), Buffer.from(members.vote_seed, "hex"));
	}

	sign(bytes) {
		return sign(null, bytes, this.private);
	}

	webKey() {
		return webcrypto.subtle.importKey("pkcs8", this.pkcs8, { name: "Ed25519" }, false, ["sign"]);
	}

	salt(network, item, round, sequence) {
		return createHmac("sha256", this.voteSeed)
			.update("winnow/salt/v1\0").update(network).update(item).update(u32(round)).update(u64(sequence)).update(this.public).digest();
	}

	commitment(network, item, round, choice, salt) {
		return sha256("winnow/vote/v1\0", network, item, u32(round), this.public, Buffer.from([choice]), salt);
	}
}

// What a signature covers when nobody asks for another spelling.
export const COVERED = ["@method", "@authority", "@path", "@query"];
export const COVERED_BODY = [...COVERED, "content-digest", "content-type"];
const PARAMETERS = ["created", "keyid", "alg", "tag"];

export class Node {
	constructor(url, socket) {
		this.url = url;
		this.socket = socket;
		this.watch = null;
	}

	async meet() {
		const network = (await this.ask("GET", "/v1/network")).json;
		this.described = network;
		this.network = Buffer.from(network.network_id, "hex");
		this.tag = "winnow-" + network.network_id.slice(0, 16);
		// The clock is a manual one, and only this program moves it.
		this.clockMs = network.now_ms;
	}

	// A request as the libraries take it; body: undefined, bytes, or what becomes JSON.
	request(method, target, body, headers = {}, type = "application/json") {
		const bytes = body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
		const out = { method, url: this.url + target, headers: { ...headers }, body: bytes };
		if (bytes !== undefined) {
			out.headers["Content-Type"] = type;
			out.headers["Content-Digest"] = "sha-256=:" + sha256(bytes).toString("base64") + ":";
		}
		return out;
	}

	// how: label, fields, params, values, of the library; what is not named is as the profile has it.
	async signed(request, key, how = {}) {
		const there = Object.keys(request.headers).map((name) => name.toLowerCase());
		const fields = how.fields ?? [...(request.body ? COVERED_BODY : COVERED),
			...["idempotency-key", "winnow-checkpoint"].filter((name) => there.includes(name))];
		const { body, ...message } = request;
		const done = await signatures.httpbis.signMessage({
			key: { id: key.did, alg: "ed25519", sign: async (bytes) => key.sign(bytes) },
			name: how.label, fields, params: how.params ?? PARAMETERS,
			paramValues: { created: new Date(this.clockMs), tag: this.tag, ...how.values },
		}, message);
		return { ...done, body };
	}

	// Sends a request as it stands; options.socket: through the operator's door; options.authority: another Host.
	send(request, options = {}) {
		const url = new URL(request.url);
		const target = request.url.slice(request.url.indexOf("/", "http://".length));
		return new Promise((resolve, reject) => {
			const sent = http.request({
				...(options.socket ? { socketPath: this.socket } : { host: url.hostname, port: url.port }),
				method: request.method, path: target, agent: false, timeout: ANSWER_MS,
				headers: { Host: options.authority ?? url.host, ...request.headers, "Content-Length": request.body?.length ?? 0 },
			}, (reply) => {
				const parts = [];
				reply.on("data", (part) => parts.push(part));
				reply.on("error", reject);
				reply.on("end", () => {
					const answer = { status: reply.statusCode, headers: reply.headers, body: Buffer.concat(parts) };
					answer.type = (reply.headers["content-type"] ?? "").split(";")[0];
					answer.json = answer.type.endsWith("json") && answer.body.length && answer.status !== 206 ? JSON.parse(answer.body) : undefined;
					answer.code = answer.type === "application/problem+json" ? answer.json.type.split("/").pop() : "";
					this.watch?.(request, target, answer);
					resolve(answer);
				});
			});
			sent.on("timeout", () => sent.destroy(new Error("no answer: " + request.method + " " + target)));
			sent.on("error", reject);
			sent.end(request.body);
		});
	}

	async ask(method, target, key, body, { headers, type, how, ...options } = {}) {
		let request = this.request(method, target, body, headers, type);
		if (key)
			request = await this.signed(request, key, how);
		return this.send(request, options);
	}

	async moveClock(advance_ms) {
		const answer = await this.ask("POST", "/operator/clock", null, { advance_ms }, { socket: true });
		this.clockMs = answer.json.now_ms;
		return answer;
	}
}

// The first answer of `question` that is true.
export async function waitFor(sentence, question, seconds = 30) {
	for (const end = Date.now() + seconds * 1000; Date.now() < end;) {
		const found = await question();
		if (found)
			return found;
		await new Promise((done) => setTimeout(done, 50));
	}
	throw new Error("waited " + seconds + " s in vain: " + sentence);
}

// Checks as sentences; the last line is what a shell reads.
export class Report {
	passed = 0;
	failed = 0;

	check(good, sentence) {
		if (good)
			this.passed++;
		else {
			this.failed++;
			console.log("FAIL " + sentence);
		}
		return good;
	}

	end() {
		console.log(this.passed + " passed, " + this.failed + " failed, 0 skipped");
		process.exitCode = this.failed ? 1 : 0;
	}
}

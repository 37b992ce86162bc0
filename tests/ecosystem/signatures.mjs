// RFC 9421 both ways: what http-message-signatures and http-message-sig sign, in every spelling that the RFC allows, is
// taken; what is changed behind the signature is refused by its code; what winnow's own client signs, the library verifies.
import { spawn } from "node:child_process";
import { verify, webcrypto } from "node:crypto";
import http from "node:http";
import { join } from "node:path";
import { createSignature } from "http-message-sig";
import signatures from "http-message-signatures";
import { serializeDictionary, parseDictionary } from "structured-headers";
import { COVERED, COVERED_BODY, sha256 } from "./client.mjs";

const NEVER = 2 ** 40; // the node's clock is a manual one, and the library reads the machine's

const field = (request, name) => Object.keys(request.headers).find((one) => one.toLowerCase() === name);
const value = (request, name) => request.headers[field(request, name)];
const put = (request, name, text) => { request.headers[field(request, name)] = text; };
const drop = (request, name) => { delete request.headers[field(request, name)]; };
const turn = (list, by) => [...list.slice(by), ...list.slice(0, by)];

// A permutation a seed: the same in every run.
function shuffled(list, seed) {
	const keyed = list.map((one) => [sha256(seed + one).toString("hex"), one]);
	return keyed.sort().map(([, one]) => one);
}

class Signatures {
	constructor(node, keys, check) {
		Object.assign(this, { node, keys, check });
	}

	// Requests that differ in what they carry.
	get() { return this.node.request("GET", "/v1/accounts/" + this.keys.giver.did); }
	query() { return this.node.request("GET", "/v1/accounts/" + this.keys.giver.did + "/statement?count=7&x=%20%3F+%2f&y"); }
	post() { return this.node.request("POST", "/v1/accounts", { roles: ["contributor"], robot: true }); }

	async taken(sentence, request, how, status = 200) {
		const answer = await this.node.send(how === null ? request : await this.node.signed(request, this.keys.giver, how));
		this.check(answer.status === status, sentence + " is taken: " + answer.status + " " + answer.code + " " + (answer.json?.detail ?? ""));
	}

	async refused(code, sentence, request, change = () => {}, options = {}) {
		const signed = await this.node.signed(request, options.key ?? this.keys.giver, options.how);
		await change(signed);
		const answer = await this.node.send(signed, options);
		const status = code.startsWith("account_") ? 403 : 401;
		this.check(answer.status === status && answer.code === code, sentence + " is refused with " + code + ": " + answer.status + " " + answer.code);
		if (status === 401)
			this.check(parseDictionary(answer.headers["accept-signature"]).size === 1, sentence + ": the answer tells what to sign");
	}

	async spellings() {
		const parameters = ["created", "keyid", "alg", "tag"];
		await this.taken("the profile", this.get());
		await this.taken("a target with a query", this.query());
		await this.taken("a request with a body", this.post());
		await this.taken("the library's own list of parameters, with expires", this.post(), { params: [...signatures.httpbis.defaultParams ?? ["keyid", "alg", "created", "expires"], "tag"] });
		await this.taken("an expiry in time", this.get(), { params: [...parameters, "expires"], values: { expires: new Date(this.node.clockMs + 60000) } });
		for (let turned = 0; turned < 4; turned++)
			await this.taken("parameters turned by " + turned, this.post(), { params: turn(parameters, turned) });
		for (const label of ["sig", "sig2", "a", "*", "winnow-client_1.0*"])
			await this.taken("the label " + label, this.post(), { label });
		for (let seed = 0; seed < 6; seed++)
			await this.taken("components in order " + seed, this.post(), { fields: shuffled(COVERED_BODY, "order" + seed) });
		const more = { Date: new Date(this.node.clockMs).toUTCString(), "X-Request-Id": "\u0009 a  b ", "User-Agent": "somebody/1", "X-Empty": "" };
		const covered = ["date", "x-request-id", "user-agent", "x-empty"];
		for (const request of [this.get(), this.query(), this.post()]) {
			request.headers = { ...request.headers, ...more };
			const least = request.body ? COVERED_BODY : COVERED;
			await this.taken("more that is covered", request, { fields: [...least, ...covered] });
			await this.taken("more, in front", request, { fields: [...covered, ...least] });
		}
		const sized = this.post();
		sized.headers = { ...sized.headers, "Content-Length": String(sized.body.length), Host: new URL(sized.url).host };
		await this.taken("a covered length and host", sized, { fields: [...COVERED_BODY, "content-length", "host"] });
		const named = this.post();
		named.headers["Idempotency-Key"] = '"signatures"';
		await this.taken("an intent's name", named);
		const digests = this.post();
		put(digests, "content-digest", "sha-512=:" + Buffer.alloc(64).toString("base64") + ":, " + value(digests, "content-digest"));
		await this.taken("a digest beside ours", digests);
		const upper = await this.node.signed(this.get(), this.keys.giver);
		const loud = Object.fromEntries(Object.entries(upper.headers).map(([name, text]) => [name.toUpperCase(), text]));
		await this.taken("names in capitals", { ...upper, headers: loud }, null);
		// What a parser of structured fields reads the same: blanks that no serializer writes.
		for (const [from, to] of [[/;/g, "; "], [/;/g, ";   "], [/" "/g, '"   "'], ["(", "( "], [")", "  )"]]) {
			const spaced = await this.node.signed(this.post(), this.keys.giver);
			const plain = value(spaced, "signature-input");
			put(spaced, "signature-input", plain.replace(from, to));
			this.check(serializeDictionary(parseDictionary(value(spaced, "signature-input"))) === plain, "structured-headers reads the blanks as nothing");
			await this.taken("blanks by " + from, spaced, null);
		}
	}

	// A second implementation, with keys of WebCrypto.
	async secondLibrary() {
		const key = await this.keys.giver.webKey();
		const signer = { algorithm: "ed25519", sign: async (bytes) => new Uint8Array(await webcrypto.subtle.sign("Ed25519", key, bytes)) };
		for (const request of [this.get(), this.query(), this.post()]) {
			const done = await createSignature({ kind: "request", method: request.method, targetUri: request.url,
				fields: Object.entries(request.headers).map(([name, text]) => ({ name, value: text })) }, {
				signer, components: request.body ? COVERED_BODY : COVERED,
				parameters: { created: Math.floor(this.node.clockMs / 1000), keyid: this.keys.giver.did, alg: "ed25519", tag: this.node.tag },
			});
			request.headers["Signature"] = done.signature;
			request.headers["Signature-Input"] = done.signatureInput;
			await this.taken("http-message-sig's " + request.method, request, null);
		}
	}

	async changes() {
		const other = Buffer.from('{"roles":["contributor"],"robot":false}');
		await this.refused("signature_digest", "another body", this.post(), (signed) => { signed.body = other; });
		await this.refused("signature_wrong", "another body with its digest", this.post(), (signed) => {
			signed.body = other;
			put(signed, "content-digest", "sha-256=:" + sha256(other).toString("base64") + ":");
		});
		await this.refused("signature_digest", "a digest that is missing", this.post(), (signed) => drop(signed, "content-digest"));
		await this.refused("signature_digest", "a digest that is none", this.post(), (signed) => put(signed, "content-digest", "sha-256=::"));
		await this.refused("signature_wrong", "another type", this.post(), (signed) => put(signed, "content-type", "application/x-ndjson"));
		await this.refused("signature_wrong", "another path", this.post(), (signed) => { signed.url = signed.url.replace("/accounts", "/seats"); });
		await this.refused("signature_wrong", "another query", this.query(), (signed) => { signed.url += "&count=1"; });
		await this.refused("signature_wrong", "a query that came", this.get(), (signed) => { signed.url += "?x"; });
		await this.refused("signature_wrong", "another method", this.node.request("GET", "/v1/seats"), (signed) => { signed.method = "POST"; });
		await this.refused("signature_wrong", "another host", this.get(), () => {}, { authority: "another.example" });
		await this.refused("signature_wrong", "another key's name", this.get(), (signed) =>
			put(signed, "signature-input", value(signed, "signature-input").replace(this.keys.giver.did, this.keys.judge1.did)));
		await this.refused("account_unknown", "a key that nobody registered", this.get(), () => {}, { key: this.keys.stranger });
		const at = (seconds) => ({ how: { values: { created: new Date(this.node.clockMs + seconds * 1000) } } });
		await this.refused("signature_stale", "what was signed long ago", this.get(), () => {}, at(-302));
		await this.refused("signature_stale", "what is signed tomorrow", this.get(), () => {}, at(302));
		const expired = { params: ["created", "expires", "keyid", "alg", "tag"], values: { created: new Date(this.node.clockMs - 20000), expires: new Date(this.node.clockMs - 10000) } };
		await this.refused("signature_stale", "what expired", this.get(), () => {}, { how: expired });
		await this.refused("signature_tag", "another network's", this.get(), () => {}, { how: { values: { tag: "winnow-0123456789abcdef" } } });
		for (const missing of COVERED_BODY)
			await this.refused("signature_components", "a signature without " + missing, this.post(), () => {}, { how: { fields: COVERED_BODY.filter((one) => one !== missing) } });
		const named = this.post();
		named.headers["Idempotency-Key"] = '"loose"';
		await this.refused("signature_components", "an intent's name that is not covered", named, () => {}, { how: { fields: COVERED_BODY } });
		const more = this.post();
		more.headers["X-Trace"] = "one";
		const how = { fields: [...COVERED_BODY, "x-trace"] };
		await this.refused("signature_wrong", "a covered field that changed", more, (signed) => put(signed, "x-trace", "two"), { how });
		await this.refused("signature_components", "a covered field that went", more, (signed) => drop(signed, "x-trace"), { how });
		await this.refused("signature_components", "a component twice", this.post(), () => {}, { how: { fields: [...COVERED_BODY, "@path"] } });
		for (const derived of ["@target-uri", "@scheme", "@request-target"])
			await this.refused("signature_components", derived + ", which a proxy changes", this.post(), () => {}, { how: { fields: [...COVERED_BODY, derived] } });
		await this.refused("signature_malformed", "a component with parameters", this.post(), () => {}, { how: { fields: [...COVERED_BODY.slice(0, -1), '"content-type";bs'] } });
		for (const missing of ["created", "keyid", "alg", "tag"])
			await this.refused("signature_malformed", "a signature without " + missing, this.get(), () => {}, { how: { params: ["created", "keyid", "alg", "tag"].filter((one) => one !== missing) } });
		await this.refused("signature_malformed", "a nonce, which nobody would honour", this.get(), () => {}, { how: { params: ["created", "keyid", "alg", "tag", "nonce"], values: { nonce: "once" } } });
		await this.refused("signature_malformed", "another algorithm", this.get(), () => {}, { how: { values: { alg: "hmac-sha256" } } });
		await this.refused("signature_malformed", "another key's kind", this.get(), () => {}, { how: { values: { keyid: "did:web:somebody.example" } } });
		await this.refused("signature_malformed", "two labels for one signature", this.get(), (signed) => put(signed, "signature", value(signed, "signature").replace("sig=", "gis=")));
		const twice = await this.node.signed(await this.node.signed(this.get(), this.keys.giver), this.keys.judge1);
		const answer = await this.node.send(twice);
		this.check(answer.status === 401 && answer.code === "signature_malformed", "two signatures are refused: " + answer.code);
		await this.refused("signature_missing", "an input without a signature", this.get(), (signed) => drop(signed, "signature"));
		await this.refused("signature_missing", "a signature without its input", this.get(), (signed) => drop(signed, "signature-input"));
		await this.refused("signature_missing", "a request without either", this.get(), (signed) => { drop(signed, "signature"); drop(signed, "signature-input"); });
	}

	// What the node asks for in Accept-Signature is enough, to the letter.
	async asked() {
		for (const request of [this.get(), this.post()]) {
			const told = parseDictionary((await this.node.send(request)).headers["accept-signature"]);
			this.check(told.size === 1, "one signature is asked for");
			const [label, [items, parameters]] = [...told][0];
			await this.taken("what was asked for", request, { label, fields: items.map(([name]) => name), params: [...parameters.keys()], values: { tag: parameters.get("tag") } });
		}
	}

	// The command line's requests pass through a proxy where http-message-signatures verifies them.
	async ownClient(winnow, keyFolder) {
		let verified = 0;
		const known = new Map([this.keys.lab, this.keys.judge2].map((key) => [key.did, key.public509]));
		const upstream = new URL(this.node.url);
		const proxy = http.createServer((request, reply) => {
			const parts = [];
			request.on("data", (part) => parts.push(part));
			request.on("end", async () => {
				const body = Buffer.concat(parts);
				if (request.headers["signature-input"]) {
					const required = [...(body.length ? COVERED_BODY : COVERED), ...(request.headers["idempotency-key"] ? ["idempotency-key"] : [])];
					const message = { method: request.method, url: "http://" + request.headers.host + request.url, headers: request.headers };
					const held = await signatures.httpbis.verifyMessage({
						keyLookup: async ({ keyid }) => ({ id: keyid, algs: ["ed25519"], verify: async (bytes, signature) => verify(null, bytes, known.get(keyid), signature) }),
						requiredParams: ["created", "keyid", "alg", "tag"], requiredFields: required, notAfter: NEVER,
					}, message).catch((error) => error.message);
					this.check(held === true, "the library believes winnow's " + request.method + " " + request.url + ": " + held);
					if (body.length)
						this.check(request.headers["content-digest"] === "sha-256=:" + sha256(body).toString("base64") + ":", "and its digest");
					verified++;
				}
				const sent = http.request({ host: upstream.hostname, port: upstream.port, method: request.method, path: request.url, headers: request.headers }, (answer) => {
					reply.writeHead(answer.statusCode, answer.headers);
					answer.pipe(reply);
				});
				sent.end(body);
			});
		});
		await new Promise((done) => proxy.listen(0, "127.0.0.1", done));
		const through = "http://127.0.0.1:" + proxy.address().port;
		for (const [name, ...words] of [["lab", "account", "--roles", "contributor,lab"], ["lab", "account"], ["judge2", "stake", "0.000001"], ["judge2", "vote", "--open"],
			["lab", "submit", "--campaign", "open-weather", "--text", "A gale took the ridge of the old barn at noon."]]) {
			const run = await new Promise((done) => {
				const child = spawn(winnow, [...words, "--node", through, "--key", join(keyFolder, name)], { stdio: ["ignore", "pipe", "pipe"] });
				let said = "";
				child.stdout.on("data", (text) => { said += text; });
				child.stderr.on("data", (text) => { said += text; });
				child.on("close", (status) => done({ status, said }));
			});
			this.check(run.status === 0, "winnow " + words.join(" ") + " gets through the proxy: " + run.status + " " + run.said.slice(0, 300));
		}
		proxy.close();
		this.check(verified >= 4, "signed requests passed the proxy: " + verified);
	}
}

export async function judgeSignatures(node, keys, check, winnow, keyFolder) {
	const judge = new Signatures(node, keys, check);
	await judge.spellings();
	await judge.secondLibrary();
	await judge.changes();
	await judge.asked();
	await judge.ownClient(winnow, keyFolder);
}

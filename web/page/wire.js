// Requests to the node: plain ones, and signed ones by RFC 9421 with RFC 9530 digests.
import { base64, sha256, utf8 } from "./bytes.js";
import { sign } from "./keys.js";

export class Problem extends Error {
	constructor(status, body) {
		super(body.detail || body.title || "The node answered " + status + ".");
		this.status = status;
		this.code = (body.type || "").split("/").pop();
	}
}

async function ask(path, options) {
	let answer, text;
	try {
		answer = await fetch(path, options);
		text = await answer.text();
	} catch {
		throw new Problem(0, { detail: "The node does not answer. Nothing is lost; this page keeps trying." });
	}
	const json = (answer.headers.get("content-type") || "").includes("json");
	const body = json && text ? JSON.parse(text) : text;
	if (!answer.ok)
		throw new Problem(answer.status, json ? body : {});
	return body;
}

export const get = (path) => ask(path);

// body: undefined for none, an object for JSON. options.idempotency: a key that makes a repeated request harmless.
export async function send(view, key, method, path, body, options = {}) {
	const text = body === undefined ? undefined : JSON.stringify(body);
	const url = new URL(path, location.origin);
	const lines = [["@method", method], ["@authority", url.host], ["@path", url.pathname], ["@query", url.search || "?"]];
	const headers = {};
	const cover = (name, value) => {
		headers[name] = value;
		lines.push([name, value]);
	};
	if (text !== undefined) {
		cover("content-digest", "sha-256=:" + base64(await sha256(utf8(text))) + ":");
		cover("content-type", "application/json");
	}
	if (options.idempotency)
		cover("idempotency-key", options.idempotency);
	// What this browser has verified goes into what it signs: a node that shows others another journal is found out.
	if (view.seen)
		cover("winnow-checkpoint", view.seen.size + " " + view.seen.root);
	const created = Math.floor((view.clock_manual ? (await get("/v1/network")).now_ms : Date.now() + view.skew) / 1000);
	const parameters = "(" + lines.map(([name]) => '"' + name + '"').join(" ") + ");created=" + created + ';keyid="' + key.did +
		'";alg="ed25519";tag="winnow-' + view.network_id.slice(0, 16) + '"';
	const base = lines.map(([name, value]) => '"' + name + '": ' + value + "\n").join("") + '"@signature-params": ' + parameters;
	headers["Signature-Input"] = "sig1=" + parameters;
	headers["Signature"] = "sig1=:" + base64(await sign(key, utf8(base))) + ":";
	return ask(path, { method, headers, body: text });
}

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

async function read(answer) {
	const text = await answer.text();
	const json = (answer.headers.get("content-type") || "").includes("json");
	const body = json && text ? JSON.parse(text) : text;
	if (!answer.ok)
		throw new Problem(answer.status, json ? body : {});
	return body;
}

export async function get(path) {
	return read(await fetch(path));
}

// body: undefined for none, an object for JSON.
export async function send(view, key, method, path, body) {
	const text = body === undefined ? undefined : JSON.stringify(body);
	const url = new URL(path, location.origin);
	const lines = [["@method", method], ["@authority", url.host], ["@path", url.pathname], ["@query", url.search || "?"]];
	const headers = {};
	if (text !== undefined) {
		headers["Content-Type"] = "application/json";
		headers["Content-Digest"] = "sha-256=:" + base64(await sha256(utf8(text))) + ":";
		lines.push(["content-digest", headers["Content-Digest"]], ["content-type", headers["Content-Type"]]);
	}
	const created = Math.floor((view.clock_manual ? (await get("/v1/network")).now_ms : Date.now() + view.skew) / 1000);
	const parameters = "(" + lines.map(([name]) => '"' + name + '"').join(" ") + ");created=" + created + ';keyid="' + key.did +
		'";alg="ed25519";tag="winnow-' + view.network_id.slice(0, 16) + '"';
	const base = lines.map(([name, value]) => '"' + name + '": ' + value + "\n").join("") + '"@signature-params": ' + parameters;
	headers["Signature-Input"] = "sig1=" + parameters;
	headers["Signature"] = "sig1=:" + base64(await sign(key, utf8(base))) + ":";
	return read(await fetch(path, { method, headers, body: text }));
}

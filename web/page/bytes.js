// Bytes, hashes and names as the node writes them: hex, base64, did:key, SHA-256, canonical JSON.
const encoder = new TextEncoder();

export const utf8 = (text) => encoder.encode(text);
export const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
export const unhex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
export const base64 = (bytes) => btoa(String.fromCharCode(...bytes));
export const unbase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
export const equal = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);

export function concat(...parts) {
	const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
	let at = 0;
	for (const part of parts) {
		out.set(part, at);
		at += part.length;
	}
	return out;
}

export function u32(value) {
	const out = new Uint8Array(4);
	new DataView(out.buffer).setUint32(0, value, true);
	return out;
}

export function u64(value) {
	const out = new Uint8Array(8);
	new DataView(out.buffer).setBigUint64(0, BigInt(value), true);
	return out;
}

// A tag of a hashed layout: its characters and one zero byte.
export const tag = (text) => concat(utf8(text), new Uint8Array(1));

export async function sha256(bytes) {
	return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

export async function hmac(key, message) {
	const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
	return new Uint8Array(await crypto.subtle.sign("HMAC", imported, message));
}

const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

function base58(bytes) {
	let number = BigInt("0x" + hex(bytes)), text = "";
	for (; number > 0n; number /= 58n)
		text = alphabet[Number(number % 58n)] + text;
	for (let i = 0; i < bytes.length && bytes[i] === 0; i++)
		text = "1" + text;
	return text;
}

function unbase58(text) {
	let number = 0n;
	for (const c of text) {
		const digit = alphabet.indexOf(c);
		if (digit < 0)
			throw new Error("not base58");
		number = number * 58n + BigInt(digit);
	}
	const digits = number.toString(16);
	return unhex(digits.length % 2 ? "0" + digits : digits);
}

// did:key of an Ed25519 public key: multicodec ed01 before the 32 bytes.
export const didOf = (key) => "did:key:z" + base58(concat(Uint8Array.of(0xed, 0x01), key));

export function keyOf(did) {
	const bytes = did.startsWith("did:key:z") ? unbase58(did.slice(9)) : new Uint8Array();
	if (bytes.length !== 34 || bytes[0] !== 0xed || bytes[1] !== 0x01)
		throw new Error("not a did:key of an Ed25519 key");
	return bytes.slice(2);
}

// RFC 8785 for what the journal holds: strings, whole numbers, true, false, null, arrays, objects.
export function canonical(value) {
	if (Array.isArray(value))
		return "[" + value.map(canonical).join(",") + "]";
	if (value && typeof value === "object")
		return "{" + Object.keys(value).sort().map((name) => JSON.stringify(name) + ":" + canonical(value[name])).join(",") + "}";
	return JSON.stringify(value);
}

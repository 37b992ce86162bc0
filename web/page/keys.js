// The visitor's key: made here, kept in this browser, saved elsewhere only under a password.
import { base64, concat, didOf, unbase64, utf8 } from "./bytes.js";

const store = "winnow";
// PKCS #8 of an Ed25519 seed is this and the 32 bytes (RFC 8410).
const pkcs8Head = Uint8Array.of(0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20);
const kdf = "PBKDF2-SHA-256", rounds = 600000;

function database() {
	return new Promise((resolve, reject) => {
		const request = indexedDB.open(store, 1);
		request.onupgradeneeded = () => request.result.createObjectStore("keys");
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error);
	});
}

async function transact(mode, work) {
	const open = await database();
	return new Promise((resolve, reject) => {
		const transaction = open.transaction("keys", mode), request = work(transaction.objectStore("keys"));
		transaction.oncomplete = () => resolve(request.result);
		transaction.onerror = () => reject(transaction.error);
	});
}

async function fromSeed(seed, voteSeed) {
	const jwk = await crypto.subtle.exportKey("jwk", await crypto.subtle.importKey("pkcs8", concat(pkcs8Head, seed), "Ed25519", true, ["sign"]));
	const publicBytes = unbase64(jwk.x.replaceAll("-", "+").replaceAll("_", "/") + "=");
	const secret = await crypto.subtle.importKey("pkcs8", concat(pkcs8Head, seed), "Ed25519", false, ["sign"]);
	return { secret, seed, voteSeed, publicBytes, did: didOf(publicBytes) };
}

async function remember(key) {
	await transact("readwrite", (keys) => keys.put({ seed: key.seed, voteSeed: key.voteSeed }, "mine"));
	return key;
}

// The key of this browser; a first visit makes one.
export async function loadKey() {
	if (!crypto.subtle)
		throw new Error("This browser gives pages keys only over https or on 127.0.0.1: open the page there.");
	const kept = await transact("readonly", (keys) => keys.get("mine"));
	if (kept)
		return fromSeed(kept.seed, kept.voteSeed);
	return remember(await fromSeed(crypto.getRandomValues(new Uint8Array(32)), crypto.getRandomValues(new Uint8Array(32))));
}

export async function sign(key, bytes) {
	return new Uint8Array(await crypto.subtle.sign("Ed25519", key.secret, bytes));
}

async function cipherOf(password, salt) {
	const material = await crypto.subtle.importKey("raw", utf8(password), "PBKDF2", false, ["deriveKey"]);
	return crypto.subtle.deriveKey({ name: "PBKDF2", hash: "SHA-256", salt, iterations: rounds }, material, { name: "AES-GCM", length: 256 }, false,
		["encrypt", "decrypt"]);
}

export async function exportKey(key, password) {
	const salt = crypto.getRandomValues(new Uint8Array(16)), iv = crypto.getRandomValues(new Uint8Array(12));
	const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await cipherOf(password, salt), concat(key.seed, key.voteSeed));
	return JSON.stringify({ did: key.did, kdf, rounds, salt: base64(salt), iv: base64(iv), sealed: base64(new Uint8Array(sealed)) });
}

function readCopy(text) {
	try {
		const copy = JSON.parse(text);
		if (copy.kdf === kdf && copy.rounds === rounds)
			return { salt: unbase64(copy.salt), iv: unbase64(copy.iv), sealed: unbase64(copy.sealed) };
	} catch {
		// Told below: whatever it is, it is no copy of ours.
	}
	throw new Error("This file is not a saved copy of a key.");
}

// Throws, and leaves this browser's key alone, when the password or the file is wrong.
export async function importKey(text, password) {
	const copy = readCopy(text);
	let opened;
	try {
		opened = new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: copy.iv }, await cipherOf(password, copy.salt), copy.sealed));
	} catch {
		throw new Error("The password does not open this copy.");
	}
	return remember(await fromSeed(opened.slice(0, 32), opened.slice(32, 64)));
}

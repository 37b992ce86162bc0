// Who the node is, whose key this browser holds, and requests in that key's name.
import { loadKey } from "./keys.js";
import { keepReceipt } from "./proof.js";
import { get, send } from "./wire.js";

export const session = { view: undefined, key: undefined, campaigns: [], now: undefined };

// Things that this browser remembers: `name` is kept for each network, and for each key where it is the key's.
export function kept(name, mine = true) {
	const place = "winnow-" + name + "-" + session.view.network_id.slice(0, 16) + (mine ? "-" + session.key.did : "");
	return {
		read: (otherwise) => JSON.parse(localStorage.getItem(place) || "null") ?? otherwise,
		write: (value) => localStorage.setItem(place, JSON.stringify(value)),
	};
}

export async function open() {
	const view = await get("/v1/network");
	view.skew = view.now_ms - Date.now();
	session.view = view;
	session.key = await loadKey();
}

// The attributes of text in a campaign's own language, where it has only one.
export function inLanguage(name) {
	const languages = session.campaigns.find((c) => c.name === name)?.document.languages ?? [];
	return languages.length === 1 ? { lang: languages[0] } : {};
}

// Looking needs no account: a key is registered by what it does first.
export const joined = () => kept("joined").read(false);

export async function join() {
	if (joined())
		return;
	await send(session.view, session.key, "POST", "/v1/accounts", { roles: ["contributor", "validator"] });
	kept("joined").write(true);
}

// A signed request; what the node promised in a receipt is checked and kept.
export async function signed(method, path, body, options) {
	const answer = await send(session.view, session.key, method, path, body, options);
	if (answer.receipt)
		await keepReceipt(session.view, answer.receipt);
	return answer;
}

export async function act(method, path, body, options) {
	await join();
	return signed(method, path, body, options);
}

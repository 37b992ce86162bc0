// What must hold before a sealed vote is opened, and what anybody can check of the node: signed checkpoints (C2SP signed notes) that
// only ever grow, the entry that closed a task in them, the sealed votes that this entry fixes, and receipts that were kept.
import { canonical, concat, equal, hex, hmac, keyOf, sha256, tag, u32, u64, unbase64, unhex, utf8 } from "./bytes.js";
import { consistencyHolds, inclusionHolds, leafHash, treeRoot } from "./tree.js";
import { get } from "./wire.js";

const choicesMost = 16, receiptsMost = 50, promisedMs = 60000;

// The node showed something that cannot be true. Asking again does not mend it.
export class Doubt extends Error {}

async function signedBy(view, signature, bytes) {
	const key = await crypto.subtle.importKey("raw", keyOf(view.checkpoint_key), "Ed25519", false, ["verify"]);
	return crypto.subtle.verify("Ed25519", key, signature, bytes);
}

// ---- checkpoints

const seenName = (view) => "winnow-seen-" + view.network_id.slice(0, 16);

async function read(view) {
	const note = await get("/v1/checkpoint"), at = note.indexOf("\n\n");
	const text = note.slice(0, at + 1), [origin, size, root] = text.split("\n");
	const mark = note.slice(at + 2).split("\n").find((line) => line.startsWith("\u2014 " + origin + " "));
	if (at < 0 || !mark || origin !== "winnow/" + view.network_id.slice(0, 16) || !/^[1-9]\d{0,14}$/.test(size))
		throw new Doubt("The checkpoint is not this network's: your votes stay sealed.");
	if (!await signedBy(view, unbase64(mark.split(" ")[2]).slice(4), utf8(text)))
		throw new Doubt("The checkpoint's signature is wrong: your votes stay sealed.");
	return { size: Number(size), root: unbase64(root) };
}

// The node's newest checkpoint, verified to continue the newest that this browser has seen. Undefined: an older one, so not now.
export async function checkpoint(view) {
	const kept = localStorage.getItem(seenName(view)), seen = view.seen ?? (kept ? JSON.parse(kept) : undefined);
	const now = await read(view);
	if (seen && now.size < seen.size)
		return undefined;
	if (seen) {
		const proof = now.size === seen.size ? [] : (await get("/v1/journal/proof?first=" + seen.size + "&second=" + now.size)).proof;
		if (!await consistencyHolds(seen.size, unhex(seen.root), now.size, now.root, proof.map(unhex)))
			throw new Doubt("The node has rewritten its journal since this browser saw it last: your votes stay sealed.");
	}
	view.seen = { size: now.size, root: hex(now.root) };
	localStorage.setItem(seenName(view), JSON.stringify(view.seen));
	return now;
}

// The entry with this leaf hash, proved into the checkpoint. Undefined: the next checkpoint will hold it; null: the journal does not.
async function entryOf(leaf, signed) {
	let proof;
	try {
		proof = await get("/v1/journal/proof?leaf=" + leaf + "&size=" + signed.size);
	} catch (problem) {
		if (problem.status === 409 || problem.status === 404)
			return problem.status === 409 ? undefined : null;
		throw problem;
	}
	const { entries } = await get("/v1/journal/entries?from=" + proof.position + "&count=1");
	const entry = entries[0]?.entry, hash = await leafHash(utf8(canonical(entry ?? null)));
	if (hex(hash) !== leaf || !await inclusionHolds(hash, proof.position, signed.size, proof.proof.map(unhex), signed.root))
		return null;
	return entry;
}

// ---- votes

export async function voteSalt(view, key, vote) {
	return hmac(key.voteSeed, concat(tag("winnow/salt/v1"), unhex(view.network_id), unhex(vote.item_id), u32(vote.round), u64(vote.sequence),
		key.publicBytes));
}

export async function commitment(view, key, vote) {
	return sha256(concat(tag("winnow/vote/v1"), unhex(view.network_id), unhex(vote.item_id), u32(vote.round), key.publicBytes,
		Uint8Array.of(vote.choice), await voteSalt(view, key, vote)));
}

// A browser that lost its notes finds its choice by trying all: only the vote seed is needed.
async function choiceOf(view, key, vote, sealed) {
	const choices = vote.choice === undefined ? [...Array(Math.min(vote.classes, choicesMost)).keys()] : [vote.choice];
	for (const choice of choices)
		if (equal(await commitment(view, key, { ...vote, choice }), sealed))
			return choice;
	return undefined;
}

const order = (a, b) => {
	for (let i = 0; i < a.length; i++)
		if (a[i] !== b[i])
			return a[i] - b[i];
	return 0;
};

// What may be done with a sealed vote: {open: choice}, {wait: true} while the task or its checkpoint is not closed yet, or {over: true}
// when the task ended without this vote. Throws a Doubt when the node cheats.
export async function judgeSealed(view, key, vote) {
	const round = await get("/v1/rounds/" + vote.item_id + "/" + vote.round);
	if (round.state === "tallied" || round.state === "void")
		return { over: true };
	if (!round.commitments)
		return { wait: true };
	const leaves = round.commitments.map((c) => ({ voter: keyOf(c.voter), commitment: unhex(c.commitment) })).sort((a, b) => order(a.voter, b.voter));
	const hashes = await Promise.all(leaves.map((c) => leafHash(concat(unhex(vote.item_id), u32(vote.round), c.voter, c.commitment))));
	if (hex(await treeRoot(hashes)) !== round.commitments_root)
		throw new Doubt("The sealed votes shown do not have the root announced: your vote stays sealed.");
	const mine = leaves.find((c) => equal(c.voter, key.publicBytes));
	const choice = mine && await choiceOf(view, key, vote, mine.commitment);
	if (choice === undefined)
		throw new Doubt("The task was closed without your sealed vote: it stays sealed.");
	const signed = await checkpoint(view), entry = signed && await entryOf(round.closed_leaf, signed);
	if (entry === undefined)
		return { wait: true };
	if (entry === null || entry.type !== "commit_closed")
		throw new Doubt("The journal does not hold what closed the task: your vote stays sealed.");
	if (!entry.rounds.some((r) => r.item === vote.item_id && r.round === vote.round && r.root === round.commitments_root))
		throw new Doubt("The journal closed the task with other sealed votes than shown: your vote stays sealed.");
	return { open: choice };
}

// ---- receipts

const receiptsName = (view) => "winnow-receipts-" + view.network_id.slice(0, 16);
const receipts = (view) => JSON.parse(localStorage.getItem(receiptsName(view)) || "[]");

export async function receiptHolds(view, receipt) {
	return receipt.network_id === view.network_id && signedBy(view, unhex(receipt.signature),
		concat(tag("winnow/receipt/v1"), unhex(receipt.network_id), unhex(receipt.leaf_hash), u64(receipt.time_ms)));
}

export async function keepReceipt(view, receipt) {
	if (!await receiptHolds(view, receipt))
		throw new Doubt("The node did not sign its receipt: do not rely on it.");
	localStorage.setItem(receiptsName(view), JSON.stringify([...receipts(view).filter((r) => r.leaf_hash !== receipt.leaf_hash), receipt]
		.slice(-receiptsMost)));
}

// Everything that this browser can check of the node: {size, kept, waiting}, or a Doubt.
export async function checkNode(view) {
	const signed = await checkpoint(view);
	if (!signed)
		throw new Doubt("The node shows an older checkpoint than this browser has seen.");
	const { now_ms: now } = await get("/v1/network");
	let kept = 0, waiting = 0;
	for (const receipt of receipts(view)) {
		const entry = await entryOf(receipt.leaf_hash, signed);
		if (entry)
			kept++;
		else if (entry === undefined && now - receipt.time_ms <= promisedMs)
			waiting++;
		else
			throw new Doubt("The node promised to keep an entry, and its journal does not hold it: " + receipt.leaf_hash + ".");
	}
	return { size: signed.size, kept, waiting };
}

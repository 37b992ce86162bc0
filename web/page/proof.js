// What must hold before a sealed vote is opened: a signed checkpoint contains the entry that closed the round, and that entry fixes
// the commitments that the node shows, this voter's among them (RFC 9162 trees, C2SP signed notes).
import { canonical, concat, equal, hex, hmac, keyOf, sha256, tag, u32, u64, unbase64, unhex, utf8 } from "./bytes.js";
import { get } from "./wire.js";

const leafHash = (data) => sha256(concat(Uint8Array.of(0), data));
const nodeHash = (left, right) => sha256(concat(Uint8Array.of(1), left, right));

async function treeRoot(leaves) {
	if (leaves.length === 0)
		return sha256(new Uint8Array());
	if (leaves.length === 1)
		return leaves[0];
	let split = 1;
	while (split * 2 < leaves.length)
		split *= 2;
	return nodeHash(await treeRoot(leaves.slice(0, split)), await treeRoot(leaves.slice(split)));
}

// RFC 9162 2.1.3.2. Sizes stay far below 2^53, so plain numbers do.
async function inclusionHolds(leaf, index, size, proof, root) {
	let fn = index, sn = size - 1, hash = leaf;
	if (index >= size)
		return false;
	for (const step of proof) {
		if (sn === 0)
			return false;
		if (fn % 2 === 1 || fn === sn) {
			hash = await nodeHash(step, hash);
			while (fn % 2 === 0 && fn !== 0) {
				fn = Math.floor(fn / 2);
				sn = Math.floor(sn / 2);
			}
		} else {
			hash = await nodeHash(hash, step);
		}
		fn = Math.floor(fn / 2);
		sn = Math.floor(sn / 2);
	}
	return sn === 0 && equal(hash, root);
}

async function checkpoint(view) {
	const note = await get("/v1/checkpoint");
	const at = note.indexOf("\n\n");
	const text = note.slice(0, at + 1), [origin, size, root] = text.split("\n");
	const mark = note.slice(at + 2).split("\n").find((line) => line.startsWith("\u2014 " + origin + " "));
	if (!mark || origin !== "winnow/" + view.network_id.slice(0, 16))
		throw new Error("The checkpoint is not this network's.");
	const signature = unbase64(mark.split(" ")[2]).slice(4);
	const key = await crypto.subtle.importKey("raw", keyOf(view.checkpoint_key), "Ed25519", false, ["verify"]);
	if (!await crypto.subtle.verify("Ed25519", key, signature, utf8(text)))
		throw new Error("The checkpoint's signature is wrong: do not open votes here.");
	return { size: Number(size), root: unbase64(root) };
}

export async function voteSalt(view, key, vote) {
	return hmac(key.voteSeed, concat(tag("winnow/salt/v1"), unhex(view.network_id), unhex(vote.item_id), u32(vote.round), u64(vote.sequence),
		key.publicBytes));
}

export async function commitment(view, key, vote) {
	return sha256(concat(tag("winnow/vote/v1"), unhex(view.network_id), unhex(vote.item_id), u32(vote.round), key.publicBytes,
		Uint8Array.of(vote.choice), await voteSalt(view, key, vote)));
}

const order = (a, b) => {
	for (let i = 0; i < a.length; i++)
		if (a[i] !== b[i])
			return a[i] - b[i];
	return 0;
};

// True when the vote may be opened, false when the round or its checkpoint is not there yet; throws when the node cheats.
export async function mayOpen(view, key, vote) {
	const round = await get("/v1/rounds/" + vote.item_id + "/" + vote.round);
	if (!round.commitments)
		return false;
	const leaves = round.commitments.map((c) => ({ voter: keyOf(c.voter), commitment: unhex(c.commitment) })).sort((a, b) => order(a.voter, b.voter));
	const hashes = await Promise.all(leaves.map((c) => leafHash(concat(unhex(vote.item_id), u32(vote.round), c.voter, c.commitment))));
	const root = hex(await treeRoot(hashes)), mine = await commitment(view, key, vote);
	if (root !== round.commitments_root)
		throw new Error("The sealed votes shown do not have the root announced: your vote stays sealed.");
	if (!leaves.some((c) => equal(c.voter, key.publicBytes) && equal(c.commitment, mine)))
		throw new Error("The task was closed without your sealed vote: it stays sealed.");
	const signed = await checkpoint(view);
	let proof;
	try {
		proof = await get("/v1/journal/proof?leaf=" + round.closed_leaf + "&size=" + signed.size);
	} catch (problem) {
		if (problem.status === 409 || problem.status === 404)
			return false;
		throw problem;
	}
	const { entries } = await get("/v1/journal/entries?from=" + proof.position + "&count=1");
	const entry = entries[0].entry, leaf = await leafHash(utf8(canonical(entry)));
	if (hex(leaf) !== round.closed_leaf || !await inclusionHolds(leaf, proof.position, signed.size, proof.proof.map(unhex), signed.root))
		throw new Error("The journal does not hold what closed the task: your vote stays sealed.");
	if (!entry.rounds.some((r) => r.item === vote.item_id && r.round === vote.round && r.root === root))
		throw new Error("The journal closed the task with other sealed votes than shown: your vote stays sealed.");
	return true;
}

// Runs beside the page's own modules: a node that lies, one lie at a time, to the code that decides whether a sealed vote is opened.
// The vote, its round, the journal and the checkpoint are real; only the answers to this browser are changed on their way.
const { base64, canonical, concat, didOf, hex, keyOf, sha256, tag, u32, u64, unbase64, unhex, utf8 } = await import("/page/bytes.js");
const { commitment, judgeSealed, receiptHolds } = await import("/page/proof.js");
const { leafHash, treeRoot } = await import("/page/tree.js");
const session = await import("/page/session.js");

const honest = window.fetch.bind(window);
const answers = (path) => (url) => url.startsWith(path);
const text = (body) => new Response(body, { headers: { "content-type": "text/plain" } });
const json = (body) => new Response(JSON.stringify(body), { headers: { "content-type": "application/json" } });

// changes: [whether it is this path, what the node's own answer becomes]
function lie(...changes) {
	window.fetch = async (url, options) => {
		const change = changes.find(([is]) => is(url));
		return change ? change[1](await honest(url, options)) : honest(url, options);
	};
}

async function rootOf(vote, commitments) {
	const leaves = commitments.map((c) => ({ ...c, key: hex(keyOf(c.voter)) })).sort((a, b) => a.key < b.key ? -1 : 1);
	return hex(await treeRoot(await Promise.all(leaves.map((c) => leafHash(concat(unhex(vote.item_id), u32(vote.round), unhex(c.key),
		unhex(c.commitment)))))));
}

async function signer() {
	const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
	const key = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
	return { did: didOf(key), sign: async (bytes) => new Uint8Array(await crypto.subtle.sign("Ed25519", pair.privateKey, bytes)) };
}

const noteText = (origin, size, root) => origin + "\n" + size + "\n" + base64(root) + "\n";
const note = async (who, origin, size, root) => {
	const body = noteText(origin, size, root);
	return body + "\n\u2014 " + origin + " " + base64(concat(new Uint8Array(4), await who.sign(utf8(body)))) + "\n";
};

// Takes a task, seals `choice`, waits until the task is closed for sealed votes; opens nothing.
export async function seal(campaign, choice) {
	await session.open();
	const { view, key } = session.session, { seats: [seat] } = await session.act("POST", "/v1/seats", { campaign, count: 1 },
		{ idempotency: crypto.randomUUID() });
	const vote = { item_id: seat.item_id, round: seat.round, sequence: 1, choice };
	await session.act("POST", "/v1/ballots", { phase: "commit", votes: [{ item_id: vote.item_id, round: vote.round, sequence: 1,
		commitment: hex(await commitment(view, key, vote)) }] });
	return vote;
}

export async function lies(vote) {
	await session.open();
	const { view, key } = session.session, told = {};
	const origin = "winnow/" + view.network_id.slice(0, 16), path = "/v1/rounds/";
	const round = await (await honest(path + vote.item_id + "/" + vote.round)).json();
	const real = await (await honest("/v1/checkpoint")).text(), [, size, root] = real.split("\n");
	const ask = async (name, who = view) => {
		try {
			told[name] = JSON.stringify(await judgeSealed({ ...who, seen: who.seen }, key, vote));
		} catch (problem) {
			told[name] = problem.constructor.name + ": " + problem.message;
		}
		window.fetch = honest;
	};
	const forge = new Uint8Array(32).fill(7), stranger = await signer();
	const flip = (h) => (h[0] === "0" ? "1" : "0") + h.slice(1);

	lie([answers("/v1/checkpoint"), () => text(real.replace(root, base64(forge)))]);
	await ask("another root under the node's signature");
	lie([answers("/v1/checkpoint"), () => text(real.replace("\n" + size + "\n", "\n" + (Number(size) + 1) + "\n"))]);
	await ask("another size under the node's signature");
	const foreign = await note(stranger, origin, size, unbase64(root));
	lie([answers("/v1/checkpoint"), () => text(foreign)]);
	await ask("a stranger's signature");
	lie([answers("/v1/checkpoint"), () => text(real.replaceAll(origin, "winnow/0000000000000000"))]);
	await ask("another network's checkpoint");
	lie([answers("/v1/checkpoint"), () => text(real.slice(0, real.indexOf("\n\n") + 2))]);
	await ask("a checkpoint without a signature");

	const others = round.commitments.map((c) => c.voter === key.did ? c : { ...c, commitment: flip(c.commitment) });
	lie([answers(path), () => json({ ...round, commitments: others })]);
	await ask("sealed votes of others changed");
	const otherRoot = await rootOf(vote, others);
	lie([answers(path), () => json({ ...round, commitments: others, commitments_root: otherRoot })]);
	await ask("sealed votes of others changed, and their root");
	lie([answers(path), () => json({ ...round, commitments: others, commitments_root: otherRoot })], [answers("/v1/journal/entries"),
		async (answer) => json(JSON.parse(JSON.stringify(await answer.json()).replaceAll(round.commitments_root, otherRoot)))]);
	await ask("sealed votes of others changed, their root, and the entry shown");
	const without = round.commitments.filter((c) => c.voter !== key.did), withoutRoot = await rootOf(vote, without);
	lie([answers(path), () => json({ ...round, commitments: without, commitments_root: withoutRoot })]);
	await ask("this vote left out");
	const swapped = round.commitments.map((c) => c.voter === key.did ? { ...c, commitment: flip(c.commitment) } : c);
	const swappedRoot = await rootOf(vote, swapped);
	lie([answers(path), () => json({ ...round, commitments: swapped, commitments_root: swappedRoot })]);
	await ask("this vote replaced");

	lie([answers("/v1/journal/proof?leaf"), async (answer) => {
		const proof = await answer.json();
		return json({ ...proof, proof: proof.proof.map(flip) });
	}]);
	await ask("a proof that does not fit");
	lie([answers("/v1/journal/proof?leaf"), async (answer) => {
		const proof = await answer.json();
		return json({ ...proof, position: proof.position + 1 });
	}]);
	await ask("a proof for another place");
	const { entries: [genesis] } = await (await honest("/v1/journal/entries?from=0&count=1")).json();
	const genesisLeaf = hex(await leafHash(utf8(canonical(genesis.entry))));
	lie([answers(path), () => json({ ...round, closed_leaf: genesisLeaf })]);
	await ask("another entry of the journal instead of the closing one");
	lie([answers(path), () => json({ ...round, closed_leaf: "00".repeat(32) })]);
	await ask("an entry that the journal does not hold");

	// A node whose operator signs what he likes: the key is his, the signature holds, and the journal is another one.
	const owner = { ...view, checkpoint_key: stranger.did, seen: { size: Number(size), root: hex(unbase64(root)) } };
	const grown = await note(stranger, origin, Number(size) + 1, forge), same = await note(stranger, origin, size, forge);
	const older = await note(stranger, origin, Number(size) - 1, forge);
	lie([answers("/v1/checkpoint"), () => text(grown)], [answers("/v1/journal/proof?first"), () => json({ proof: [hex(forge), hex(forge)] })]);
	await ask("a journal rewritten and grown", owner);
	lie([answers("/v1/checkpoint"), () => text(grown)], [answers("/v1/journal/proof?first"), () => json({ proof: [] })]);
	await ask("a journal rewritten and grown, without proof", owner);
	lie([answers("/v1/checkpoint"), () => text(same)]);
	await ask("a journal rewritten at the same size", owner);
	lie([answers("/v1/checkpoint"), () => text(older)]);
	await ask("an older checkpoint", owner);

	lie([answers(path), () => json({ ...round, commitments: undefined })]);
	await ask("a task that is not closed");
	await ask("no lie");
	return told;
}

// The node's own receipt holds; one changed in any member does not.
export async function receipts(receipt) {
	await session.open();
	const { view } = session.session;
	const changed = [{ time_ms: receipt.time_ms + 1 }, { leaf_hash: "00".repeat(32) }, { network_id: "00".repeat(32) },
		{ signature: receipt.signature.slice(2) + "00" }];
	return [await receiptHolds(view, receipt), ...await Promise.all(changed.map((c) => receiptHolds(view, { ...receipt, ...c })))];
}

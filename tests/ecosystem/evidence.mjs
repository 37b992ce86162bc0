// What the node signs and hashes, checked without a line of ours: canonical JSON by `canonicalize`, Ed25519 by tweetnacl,
// trees by the RFC's text and once more by @transmute/rfc9162.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import canonicalize from "canonicalize";
import rfc9162 from "@transmute/rfc9162";
import nacl from "tweetnacl";
import { keyOfDid, sha256, u64, waitFor } from "./client.mjs";
import { consistencyHolds, inclusionHolds, leafHash, treeHead } from "./tree.mjs";

const { RFC9162 } = rfc9162;
const hex = (text) => Buffer.from(text, "hex");
const flipped = (bytes) => { const out = Buffer.from(bytes); out[0] ^= 1; return out; };
const holds = (bytes, signature, key) => signature.length === nacl.sign.signatureLength && nacl.sign.detached.verify(bytes, signature, key);

async function entriesOf(node, check) {
	const bodies = [];
	for (let next = 0; next !== undefined;) {
		const answer = await node.ask("GET", "/v1/journal/entries?from=" + next + "&count=50");
		const text = answer.body.toString();
		for (const { position, entry } of answer.json.entries) {
			const canonical = canonicalize(entry);
			check(position === bodies.length, "entry " + position + " follows its neighbour");
			// The bytes as they came, not as they were parsed.
			check(text.includes('{"position":' + position + ',"entry":' + canonical + "}"), "entry " + position + " is canonical: " + canonical.slice(0, 200));
			bodies.push(Buffer.from(canonical));
		}
		next = answer.json.entries.length ? answer.json.next : undefined;
	}
	return bodies;
}

// C2SP: a signed note whose text is a tlog-checkpoint.
function openNote(note, origin, key, check) {
	const end = note.indexOf("\n\n");
	const text = note.slice(0, end + 1), lines = text.split("\n");
	const signed = note.slice(end + 2).split("\n").filter((line) => line.startsWith("\u2014 " + origin + " "));
	check(end > 0 && note.endsWith("\n") && signed.length === 1, "the note has a text and one signature of its origin");
	const blob = Buffer.from(signed[0].split(" ")[2], "base64");
	check(blob.subarray(0, 4).equals(sha256(origin + "\n\x01", key).subarray(0, 4)), "the key's hash is C2SP's");
	check(holds(Buffer.from(text), blob.subarray(4), key), "tweetnacl believes the note");
	check(!holds(Buffer.from(text.replace("time_ms", "time_us")), blob.subarray(4), key), "and no other note");
	check(lines[0] === origin && /^[1-9][0-9]*$/.test(lines[1]) && lines.at(-1) === "" && lines.slice(0, -1).every((line) => line), "its lines are a checkpoint's");
	return { size: Number(lines[1]), root: Buffer.from(lines[2], "base64") };
}

async function judgeTree(node, bodies, check) {
	const network = node.described, key = keyOfDid(network.checkpoint_key);
	const note = (await node.ask("GET", "/v1/checkpoint")).body.toString();
	const { size, root } = openNote(note, "winnow/" + network.network_id.slice(0, 16), key, check);
	const leaves = bodies.map(leafHash);
	check(size > 20 && size <= bodies.length, "the checkpoint is of what was read: " + size + " of " + bodies.length);
	check(treeHead(leaves.slice(0, size)).equals(root), "the root is that of the entries");
	check(Buffer.from(await RFC9162.treeHead(bodies.slice(0, size))).equals(root), "@transmute/rfc9162 computes the same root");
	check(sha256(bodies[0]).toString("hex") === network.network_id, "the network's id is the hash of entry 0");
	let proofs = 0;
	for (let index = 0; index < size; index += index < 40 ? 1 : 7) {
		const answer = await node.ask("GET", "/v1/journal/proof?leaf=" + leaves[index].toString("hex") + "&size=" + size);
		const path = answer.json.proof?.map(hex) ?? [];
		check(answer.status === 200 && answer.json.position === index && answer.json.size === size, "entry " + index + " has a proof");
		check(inclusionHolds(leaves[index], index, size, path, root), "entry " + index + " is in the tree");
		check(!inclusionHolds(flipped(leaves[index]), index, size, path, root), "another leaf at " + index + " is not");
		const theirs = { log_id: "", tree_size: size, leaf_index: index, inclusion_path: path };
		check(await RFC9162.verifyInclusionProof(root, leaves[index], theirs), "@transmute/rfc9162 believes entry " + index);
		proofs++;
	}
	check(proofs > 20, "many leaves were proven");
	for (let first = 1; first < size; first += first < 34 ? 1 : 11) {
		for (const second of new Set([first + 1, Math.min(2 * first, size), size])) {
			if (second <= first || second > size)
				continue;
			const answer = await node.ask("GET", "/v1/journal/proof?first=" + first + "&second=" + second);
			const old = treeHead(leaves.slice(0, first)), now = treeHead(leaves.slice(0, second)), path = answer.json.proof?.map(hex) ?? [];
			check(consistencyHolds(first, old, second, now, path), "the tree of " + second + " grew from that of " + first);
			check(!consistencyHolds(first, flipped(old), second, now, path), "and from no other");
		}
	}
	return { leaves, size };
}

async function judgeReceipts(node, keys, leaves, check) {
	const answer = await node.ask("POST", "/v1/accounts", keys.stranger, { roles: ["lab"] });
	const receipt = answer.json.receipt;
	const bytes = Buffer.concat([Buffer.from("winnow/receipt/v1\0"), node.network, hex(receipt.leaf_hash), u64(receipt.time_ms)]);
	const key = keyOfDid(node.described.checkpoint_key);
	check(holds(bytes, hex(receipt.signature), key), "tweetnacl believes a receipt");
	check(!holds(flipped(bytes), hex(receipt.signature), key), "and no other");
	check(canonicalize(receipt) === answer.body.toString().match(/"receipt":(\{[^}]*\})/)[1], "a receipt is its own canonical form");
	const proof = await waitFor("what a receipt promised is in the journal", async () => {
		const one = await node.ask("GET", "/v1/journal/proof?leaf=" + receipt.leaf_hash);
		return one.status === 200 && one.json;
	});
	const bodies = await entriesOf(node, () => true);
	const root = treeHead(bodies.slice(0, proof.size).map(leafHash));
	check(leafHash(bodies[proof.position]).toString("hex") === receipt.leaf_hash && proof.position >= leaves.length - 1, "at a place behind those before");
	check(inclusionHolds(hex(receipt.leaf_hash), proof.position, proof.size, proof.proof.map(hex), root), "with a proof that holds");
}

function judgeClaim(claim, bodies, keys, check) {
	const amount = Buffer.alloc(8);
	amount.writeBigUInt64BE(BigInt(claim.cumulative));
	const leaf = leafHash(Buffer.concat([hex(claim.account), amount]));
	check(keys.giver.public.equals(hex(claim.account)) && claim.cumulative !== "0", "the claim is the giver's");
	check(inclusionHolds(leaf, claim.index, claim.size, claim.proof.map(hex), hex(claim.root)), "the claim is in its tree");
	const closes = bodies.map((body) => JSON.parse(body)).filter((entry) => entry.claims_root === claim.root);
	check(closes.some((entry) => (entry.epoch ?? entry.from) <= claim.epoch && claim.epoch <= (entry.epoch ?? entry.to)), "the journal has the root of the claims of pay round " + claim.epoch);
}

function judgeDataset(folder, bodies, posts, check) {
	const read = (name) => readFileSync(join(folder, name));
	const raw = read("manifest.json"), manifest = JSON.parse(raw);
	check(canonicalize(manifest) === raw.toString(), "the manifest is canonical");
	for (const name of ["campaign.json", "genesis.json"])
		check(canonicalize(JSON.parse(read(name))) === read(name).toString(), name + " is canonical");
	check(read("genesis.json").equals(bodies[0]), "genesis.json is entry 0");
	const rows = readdirSync(join(folder, "data")).sort().flatMap((name) => gunzipSync(read("data/" + name)).toString().split("\n").slice(0, -1));
	for (const row of rows)
		check(canonicalize(JSON.parse(row)) === row, "a row is canonical: " + row.slice(0, 200));
	const contents = rows.map((row) => JSON.parse(row).content);
	check(posts.every((post) => contents.includes(post)) && rows.length === posts.length, "every post is a row, letter by letter");
	const leaves = rows.map((row) => leafHash(Buffer.from(row)));
	check(treeHead(leaves).toString("hex") === manifest.row_root, "the row root is that of the rows");
	check(read("receipts/rows.bin").equals(Buffer.concat(leaves)), "the receipts are the rows' leaves");
	const entry = bodies.map((body) => JSON.parse(body)).find((one) => one.type === "dataset");
	check(entry?.manifest_sha256 === sha256(raw).toString("hex"), "the journal has the manifest's hash");
	check(JSON.stringify(entry).includes(manifest.row_root), "and the row root");
}

export async function judgeEvidence(node, keys, told, folder, check) {
	const bodies = await waitFor("the journal is numbered", async () => {
		const status = (await node.ask("GET", "/v1/status")).json.journal;
		return status.unsequenced === 0 && status.checkpoint_size === status.size && entriesOf(node, check);
	});
	const types = new Set(bodies.map((body) => JSON.parse(body).type));
	for (const type of ["genesis", "account", "campaign", "items", "seats", "ballot", "commit_closed", "tally", "epoch_close", "transfers", "dataset"])
		check(types.has(type), "the walk left an entry of type " + type);
	const { leaves } = await judgeTree(node, bodies, check);
	judgeClaim(told.claim, bodies, keys, check);
	judgeDataset(folder, bodies, told.posts, check);
	await judgeReceipts(node, keys, leaves, check);
	// For the shell: what the node tells people to run.
	const version = (await node.ask("GET", "/v1/datasets/weather/1")).json;
	check(keyOfDid(node.described.manifest_key).equals(Buffer.from(version.public_key, "base64").subarray(10)), "the key that minisign gets is the genesis's");
	writeFileSync(join(folder, "..", "verify.sh"), "set -e\n" + version.verify.join("\n") + "\n");
}

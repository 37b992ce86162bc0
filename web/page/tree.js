// Merkle trees of RFC 9162: leaf and node hashes, roots, inclusion, consistency. Sizes stay far below 2^53, so plain numbers do.
import { concat, equal, sha256 } from "./bytes.js";

export const leafHash = (data) => sha256(concat(Uint8Array.of(0), data));
const nodeHash = (left, right) => sha256(concat(Uint8Array.of(1), left, right));

export async function treeRoot(leaves) {
	if (leaves.length === 0)
		return sha256(new Uint8Array());
	if (leaves.length === 1)
		return leaves[0];
	let split = 1;
	while (split * 2 < leaves.length)
		split *= 2;
	return nodeHash(await treeRoot(leaves.slice(0, split)), await treeRoot(leaves.slice(split)));
}

const half = (n) => Math.floor(n / 2);

// 2.1.3.2
export async function inclusionHolds(leaf, index, size, proof, root) {
	let fn = index, sn = size - 1, hash = leaf;
	if (!(index >= 0 && index < size))
		return false;
	for (const step of proof) {
		if (sn === 0)
			return false;
		if (fn % 2 === 1 || fn === sn) {
			hash = await nodeHash(step, hash);
			for (; fn % 2 === 0 && fn !== 0; fn = half(fn))
				sn = half(sn);
		} else {
			hash = await nodeHash(hash, step);
		}
		fn = half(fn);
		sn = half(sn);
	}
	return sn === 0 && equal(hash, root);
}

// 2.1.4.2
export async function consistencyHolds(first, firstRoot, second, secondRoot, proof) {
	if (!(first > 0 && first <= second))
		return false;
	if (first === second)
		return proof.length === 0 && equal(firstRoot, secondRoot);
	let fn = first - 1, sn = second - 1;
	for (; fn % 2 === 1; fn = half(fn))
		sn = half(sn);
	// A first tree that is whole is its own first step.
	const steps = fn === 0 ? [firstRoot, ...proof] : proof;
	if (steps.length === 0)
		return false;
	let old = steps[0], now = steps[0];
	for (const step of steps.slice(1)) {
		if (sn === 0)
			return false;
		if (fn % 2 === 1 || fn === sn) {
			old = await nodeHash(step, old);
			now = await nodeHash(step, now);
			for (; fn % 2 === 0 && fn !== 0; fn = half(fn))
				sn = half(sn);
		} else {
			now = await nodeHash(now, step);
		}
		fn = half(fn);
		sn = half(sn);
	}
	return sn === 0 && equal(old, firstRoot) && equal(now, secondRoot);
}

// RFC 9162, section 2.1, from its text alone, on node:crypto: the head of a list, and both algorithms that verify proofs.
import { sha256 } from "./client.mjs";

export const leafHash = (bytes) => sha256(Buffer.from([0]), bytes);
const nodeHash = (left, right) => sha256(Buffer.from([1]), left, right);

// 2.1.1, over hashes of leaves.
export function treeHead(leaves) {
	if (leaves.length === 0)
		return sha256("");
	if (leaves.length === 1)
		return leaves[0];
	let k = 1;
	while (2 * k < leaves.length)
		k *= 2;
	return nodeHash(treeHead(leaves.slice(0, k)), treeHead(leaves.slice(k)));
}

// 2.1.3.2
export function inclusionHolds(leaf, index, size, path, root) {
	if (index >= size)
		return false;
	let fn = index, sn = size - 1, r = leaf;
	for (const p of path) {
		if (sn === 0)
			return false;
		if (fn % 2 === 1 || fn === sn) {
			r = nodeHash(p, r);
			while (fn % 2 === 0 && fn !== 0) {
				fn = Math.floor(fn / 2);
				sn = Math.floor(sn / 2);
			}
		} else
			r = nodeHash(r, p);
		fn = Math.floor(fn / 2);
		sn = Math.floor(sn / 2);
	}
	return sn === 0 && r.equals(root);
}

// 2.1.4.2, for 0 < first < second.
export function consistencyHolds(first, firstRoot, second, secondRoot, proof) {
	if (proof.length === 0)
		return false;
	const power = Number.isInteger(Math.log2(first));
	const path = power ? [firstRoot, ...proof] : proof;
	let fn = first - 1, sn = second - 1;
	while (fn % 2 === 1) {
		fn = Math.floor(fn / 2);
		sn = Math.floor(sn / 2);
	}
	let fr = path[0], sr = path[0];
	for (const c of path.slice(1)) {
		if (sn === 0)
			return false;
		if (fn % 2 === 1 || fn === sn) {
			fr = nodeHash(c, fr);
			sr = nodeHash(c, sr);
			while (fn % 2 === 0 && fn !== 0) {
				fn = Math.floor(fn / 2);
				sn = Math.floor(sn / 2);
			}
		} else
			sr = nodeHash(sr, c);
		fn = Math.floor(fn / 2);
		sn = Math.floor(sn / 2);
	}
	return fr.equals(firstRoot) && sr.equals(secondRoot) && sn === 0;
}

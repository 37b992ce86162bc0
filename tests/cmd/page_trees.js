// Runs beside the page's own modules: inclusion and consistency for every pair of sizes, and against proofs that are wrong.
const { consistencyHolds, inclusionHolds, leafHash, treeRoot } = await import("/page/tree.js");
const { utf8 } = await import("/page/bytes.js");

const split = (n) => 2 ** Math.floor(Math.log2(n - 1));

// RFC 9162 2.1.3.1 and 2.1.4.1, word by word.
async function path(m, leaves) {
	if (leaves.length === 1)
		return [];
	const k = split(leaves.length);
	return m < k ? [...await path(m, leaves.slice(0, k)), await treeRoot(leaves.slice(k))] :
		[...await path(m - k, leaves.slice(k)), await treeRoot(leaves.slice(0, k))];
}

async function subproof(m, leaves, whole) {
	if (m === leaves.length)
		return whole ? [] : [await treeRoot(leaves)];
	const k = split(leaves.length);
	return m <= k ? [...await subproof(m, leaves.slice(0, k), whole), await treeRoot(leaves.slice(k))] :
		[...await subproof(m - k, leaves.slice(k), false), await treeRoot(leaves.slice(0, k))];
}

export async function wrong(most) {
	const complaints = [], leaves = await Promise.all([...Array(most).keys()].map((i) => leafHash(utf8("leaf " + i))));
	const roots = await Promise.all([...Array(most + 1).keys()].map((n) => treeRoot(leaves.slice(0, n))));
	const bad = new Uint8Array(32), expect = (is, should, what) => is === should || complaints.push(what);
	for (let n = 1; n <= most; n++)
		for (let m = 0; m < n; m++) {
			const proof = await path(m, leaves.slice(0, n)), what = "inclusion of " + m + " in " + n;
			expect(await inclusionHolds(leaves[m], m, n, proof, roots[n]), true, what);
			expect(await inclusionHolds(bad, m, n, proof, roots[n]), false, what + " of another leaf");
			expect(await inclusionHolds(leaves[m], m, n, [...proof, bad], roots[n]), false, what + " with a step more");
			if (proof.length) {
				expect(await inclusionHolds(leaves[m], m, n, proof.with(-1, bad), roots[n]), false, what + " with a wrong step");
				expect(await inclusionHolds(leaves[m], m, n, proof.slice(1), roots[n]), false, what + " with a step less");
			}
			const steps = await subproof(m + 1, leaves.slice(0, n), true), pair = "consistency of " + (m + 1) + " with " + n;
			expect(await consistencyHolds(m + 1, roots[m + 1], n, roots[n], steps), true, pair);
			expect(await consistencyHolds(m + 1, bad, n, roots[n], steps), false, pair + ", another first root");
			expect(await consistencyHolds(m + 1, roots[m + 1], n, bad, steps), false, pair + ", another second root");
			expect(await consistencyHolds(m + 1, roots[m + 1], n, roots[n], [...steps, bad]), false, pair + " with a step more");
			if (steps.length)
				expect(await consistencyHolds(m + 1, roots[m + 1], n, roots[n], steps.slice(0, -1)), false, pair + " with a step less");
		}
	expect(await inclusionHolds(leaves[0], 1, 1, [], roots[1]), false, "an index beyond the tree");
	expect(await consistencyHolds(0, roots[0], 1, roots[1], []), false, "consistency with nothing");
	expect(await consistencyHolds(2, roots[2], 1, roots[1], []), false, "a tree that shrank");
	return complaints;
}

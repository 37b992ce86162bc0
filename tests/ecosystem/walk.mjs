// One story through the whole API, every request signed by http-message-signatures: register, stake, give, judge, pay,
// release, download. document.mjs watches each answer.
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { waitFor } from "./client.mjs";

// Texts that canonical JSON may get wrong: escapes, both ends of UTF-16, what ECMAScript and JSON treat differently.
const POSTS = [
	"Snow on the ridge road since six this morning, \u201cblack ice\u201d under it; caf\u00e9 at the pass is closed \u20ac0 lost.",
	"Quotes \"inside\", a back\\slash, a slash / and a tab\there:\nthen a second line about hail the size of peas.",
	"\u{1f327}\ufe0f over the harbour, \u{10437} is an old letter, \ufb33 another; line\u2028separator and paragraph\u2029too in this report of rain.",
	"Fog. <b>&amp;</b> 1e21 0.000001 -0 333333333.33333329 are only text here, and \u00f6 is one letter, o\u0308 two.",
];

const CAMPAIGN = {
	name: "open-weather", question: "Does the post report weather \u2013 \u201cas seen\u201d, \u20ac, \ud83c\udf28, \"quoted\" \\ or / not\u2028?", licence: "CC-BY-4.0",
	choices: [{ name: "no", verdict: "reject" }, { name: "yes", verdict: "keep" }, { name: "skip", verdict: "abstain" }],
	panel: { mode: "open", pick: true, seats: 3, escalate: 0, commit_ms: 600000, reveal_ms: 600000, lease_ms: 600000, audit: "open" },
	budget: { seat_pay: "10", seat_bond: "0" }, challenge_ms: 0, vesting_ms: 0, probation: false,
};

const once = (name) => ({ headers: { "Idempotency-Key": '"' + name + '"' } });

async function walkAccounts(node, keys, check) {
	const roles = { giver: ["contributor"], judge1: ["validator"], judge2: ["validator"], judge3: ["validator"], lab: ["lab"] };
	for (const [name, wanted] of Object.entries(roles))
		check((await node.ask("POST", "/v1/accounts", keys[name], { roles: wanted, robot: true })).status === 201, name + " registers");
	check((await node.ask("POST", "/v1/accounts", keys.lab, { roles: ["lab"] })).status === 200, "twice is once");
	check((await node.ask("POST", "/v1/accounts", keys.lab, { roles: ["operator"] })).code === "role_not_open", "nobody makes an operator of himself");
	const did = keys.judge1.did;
	check((await node.ask("GET", "/v1/accounts/" + did, keys.judge1)).status === 200, "an owner reads the account");
	check((await node.ask("GET", "/v1/accounts/" + did, keys.judge2)).status === 403, "nobody else does");
	const first = await node.ask("POST", "/v1/stakes", keys.judge1, { amount: "5000" }, once("s1"));
	check(first.status === 200, "a judge stakes");
	check((await node.ask("POST", "/v1/stakes", keys.judge1, { amount: "5000" }, once("s1"))).body.equals(first.body), "the same intent gets the same answer");
	check((await node.ask("POST", "/v1/stakes", keys.judge1, { amount: "6000" }, once("s1"))).status === 422, "an intent's name is not used twice");
	for (const name of ["judge2", "judge3", "curator"])
		check((await node.ask("POST", "/v1/stakes", keys[name], { amount: "5000" }, once("s1"))).status === 200, name + " stakes");
	check((await node.ask("POST", "/v1/unstakes", keys.judge1, { amount: "1000" }, once("u1"))).status === 200, "and unstakes");
	check((await node.ask("POST", "/v1/transfers", keys.judge1, { to: keys.judge2.did, amount: "7" }, once("t1"))).status === 200, "and pays another");
	check((await node.ask("POST", "/v1/transfers", keys.judge1, { to: keys.judge2.did, amount: "9".repeat(18) }, once("t2"))).status === 409, "not more than there is");
	const statement = await node.ask("GET", "/v1/accounts/" + did + "/statement?count=1", keys.judge1);
	check(statement.json.next > 0, "a statement goes on");
	check((await node.ask("GET", "/v1/accounts/" + did + "/statement?before=" + statement.json.next, keys.judge1)).status === 200, "behind its cursor");
	check((await node.ask("GET", "/v1/supply")).json.balanced, "the ledger is balanced");
}

async function walkItems(node, keys, check) {
	check((await node.ask("POST", "/v1/campaigns", keys.operator, CAMPAIGN)).status === 201, "the operator opens a campaign");
	check((await node.ask("POST", "/v1/campaigns", keys.operator, CAMPAIGN)).status === 200, "opening it twice changes nothing");
	check((await node.ask("POST", "/v1/campaigns", keys.operator, { name: "x" })).status === 400, "half a campaign is refused");
	const other = { ...CAMPAIGN, name: "series", kind: "window" };
	check((await node.ask("POST", "/operator/campaigns", null, other, { socket: true })).status === 201, "another through the socket");
	check((await node.ask("GET", "/v1/campaigns")).json.campaigns.length === 2, "both are listed");
	check((await node.ask("GET", "/v1/campaigns/open-weather")).json.campaign?.question !== "", "one is shown");
	check((await node.ask("GET", "/v1/campaigns/none")).status === 404, "a third is not");
	const items = "/v1/campaigns/open-weather/items";
	const given = [];
	for (const content of POSTS.slice(0, 2)) {
		const answer = await node.ask("POST", items, keys.giver, { content, tags: ["\u20ac", "\ud83c\udf28", "z\u00e9"], source_id: "s" + given.length });
		check(answer.status === 201, "a post is given: " + answer.body);
		given.push(answer.json.item_id);
	}
	const lines = POSTS.slice(2).map((content) => JSON.stringify({ content })).join("\n") + "\n{\n";
	const several = await node.ask("POST", items, keys.giver, Buffer.from(lines), { type: "application/x-ndjson" });
	check(several.json.accepted === 2 && several.json.refused === 1, "lines get their own answers");
	check((await node.ask("POST", items, keys.giver, Buffer.from("<post/>"), { type: "text/xml" })).status === 415, "XML is refused");
	const content = { device: "mast-1", channels: [{ name: "air", unit: "Cel", exponent: -2 }], samples: [[1000, 2153], [2000, null], [3000, -9007199254740991]] };
	const series = await node.ask("POST", "/v1/campaigns/series/items", keys.giver, { content });
	check(series.status === 201, "a series is given: " + series.body);
	const owned = () => node.ask("GET", "/v1/accounts/" + keys.giver.did + "/items", keys.giver);
	await waitFor("the items are judged", async () => (await owned()).json.items.every((one) => one.state === "judging"));
	check((await owned()).json.items.length === 5, "the giver lists all five");
	check((await node.ask("GET", "/v1/items/" + given[0], keys.giver)).json.content === POSTS[0], "a giver reads the text as it was given");
	check((await node.ask("GET", "/v1/items/" + "0".repeat(64))).status === 404, "an item that is none is not found");
	return given[0];
}

async function walkVotes(node, keys, check, item) {
	const judges = [keys.judge1, keys.judge2, keys.judge3], held = new Map();
	for (const judge of judges) {
		const taken = await node.ask("POST", "/v1/seats", judge, { campaign: "open-weather", count: 64 }, once("c1"));
		check(taken.status === 200 && taken.json.seats.length === 4, "a judge takes four seats: " + taken.body);
		held.set(judge, taken.json.seats);
	}
	const spare = await node.ask("POST", "/v1/seats", keys.curator, { campaign: "series", count: 1 }, once("c1"));
	check((await node.ask("GET", "/v1/seats", judges[0])).json.seats.length === 4, "a judge lists them");
	check((await node.ask("DELETE", "/v1/seats/" + spare.json.seats[0].item_id, keys.curator)).status === 200, "a seat is left");
	check((await node.ask("POST", "/v1/ballots", judges[0], { phase: "perhaps", votes: [] })).status === 400, "half a ballot is refused");
	const salt = (judge, seat) => judge.salt(node.network, Buffer.from(seat.item_id, "hex"), seat.round, 1);
	for (const judge of judges) {
		const votes = held.get(judge).map((seat) => ({ item_id: seat.item_id, round: seat.round, sequence: 1,
			commitment: judge.commitment(node.network, Buffer.from(seat.item_id, "hex"), seat.round, 1, salt(judge, seat)).toString("hex") }));
		const cast = await node.ask("POST", "/v1/ballots", judge, { phase: "commit", votes });
		check(cast.json.results?.every((one) => one.result === "ok"), "sealed votes count: " + cast.body);
	}
	const round = held.get(judges[0]).find((seat) => seat.item_id === item).round;
	await waitFor("the round closes", async () => (await node.ask("GET", "/v1/rounds/" + item + "/" + round)).json.state === "reveal");
	for (const judge of judges)
		await waitFor("sealed votes are opened", async () => {
			const votes = held.get(judge).map((seat) => ({ item_id: seat.item_id, round: seat.round, choice: 1, salt: salt(judge, seat).toString("hex") }));
			const [, size, root] = (await node.ask("GET", "/v1/checkpoint")).body.toString().split("\n");
			const seen = { headers: { "winnow-checkpoint": size + " " + Buffer.from(root, "base64").toString("hex") } };
			const cast = await node.ask("POST", "/v1/ballots", judge, { phase: "reveal", votes }, seen);
			return cast.status === 200 && cast.json.results.every((one) => one.result === "ok" || one.result === "repeated");
		});
	await waitFor("the item has its verdict", async () => (await node.ask("GET", "/v1/items/" + item)).json.state === "provisional");
	check((await node.ask("GET", "/v1/rounds/" + item + "/" + round)).status === 200, "the round is shown");
}

async function walkPay(node, keys, check, item) {
	await waitFor("the pay round accepts the item", async () =>
		await node.moveClock(61000) && (await node.ask("GET", "/v1/items/" + item)).json.state === "accepted");
	const claim = await waitFor("whoever gave it has a claim", async () => {
		await node.moveClock(61000);
		const answer = await node.ask("GET", "/v1/accounts/" + keys.giver.did + "/claim", keys.giver);
		return answer.status === 200 && answer.json;
	});
	check((await node.ask("GET", "/v1/accounts/" + keys.lab.did + "/claim", keys.lab)).status === 404, "who earned nothing has none");
	return claim;
}

// Writes the version's files below `folder`, each checked against what was listed.
async function walkDataset(node, check, folder) {
	const recipe = { dataset: { name: "weather", campaign: "open-weather" } };
	check((await node.ask("POST", "/operator/releases", null, recipe, { socket: true })).status === 202, "a release is wanted");
	const latest = "/v1/datasets/weather/latest";
	const version = await waitFor("it is published", async () => {
		const answer = await node.ask("GET", latest);
		return answer.status === 200 && answer.json.state === "published" && answer.json;
	});
	check((await node.ask("GET", "/v1/datasets")).json.datasets.length === 1, "datasets are listed");
	check((await node.ask("GET", "/v1/datasets/weather")).status === 200, "and shown");
	check((await node.ask("GET", "/v1/datasets/weather/7")).status === 404, "an unknown version is not");
	for (const file of version.files) {
		const whole = await node.ask("GET", file.url);
		check(whole.status === 200 && whole.body.length === file.bytes, file.path + " is served whole");
		check(createHash("sha256").update(whole.body).digest("hex") === file.sha256, file.path + " is what was listed");
		const named = await node.ask("GET", "/v1/files/" + file.sha256, null, undefined, { headers: { Range: "bytes=0-1" } });
		check(named.status === 206 && named.body.equals(whole.body.subarray(0, 2)), file.path + " is served in parts by its hash");
		mkdirSync(dirname(join(folder, file.path)), { recursive: true });
		writeFileSync(join(folder, file.path), whole.body);
	}
	const file = version.files[0];
	const etag = (await node.ask("GET", "/v1/files/" + file.sha256)).headers.etag;
	check((await node.ask("GET", "/v1/files/" + file.sha256, null, undefined, { headers: { "If-None-Match": etag } })).status === 304, "nothing is sent twice");
}

// Behind everything that submits.
export async function walkClosing(node, keys, check) {
	check((await node.ask("POST", "/v1/campaigns/open-weather/close", keys.operator)).json.campaign?.open === false, "the operator closes a campaign");
	check((await node.ask("POST", "/operator/campaigns/series/close", null, undefined, { socket: true })).json.campaign?.open === false, "another through the socket");
	check((await node.ask("POST", "/v1/campaigns/open-weather/items", keys.giver, { content: POSTS[0] + " again" })).status === 409, "what is closed takes no items");
}

async function walkNode(node, check) {
	for (const target of ["/v1/network", "/v1/status", "/v1/status?whole=1", "/v1/checkpoint", "/livez", "/readyz", "/metrics", "/openapi.json", "/", "/page/app.js",
		"/v1/journal/entries?from=0&count=1000", "/v1/journal/proof?first=1&second=2"])
		check((await node.ask("GET", target)).status === 200, target + " answers");
	check((await node.ask("GET", "/v1/journal/proof?leaf=" + "0".repeat(64))).status === 404, "an unknown leaf has no proof");
	check((await node.ask("GET", "/v1/journal/entries?count=none")).status === 400, "a count that is none is refused");
	check((await node.ask("POST", "/operator/clock", null, { advance_ms: 1 })).status === 403, "the operator's routes are not for strangers");
	check((await node.ask("GET", "/v1/network", null, {})).status === 413, "a route without a body takes none");
}

export async function walk(node, keys, check, folder) {
	await walkAccounts(node, keys, check);
	const item = await walkItems(node, keys, check);
	await walkVotes(node, keys, check, item);
	const claim = await walkPay(node, keys, check, item);
	await walkDataset(node, check, folder);
	await walkNode(node, check);
	return { claim, posts: POSTS };
}

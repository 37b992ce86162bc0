// The page: one campaign at a time, a desk to give posts, a deck to judge them, an account.
import { exportKey, importKey, loadKey } from "./keys.js";
import { get, send } from "./wire.js";
import { commitment, mayOpen, voteSalt } from "./proof.js";
import { hex } from "./bytes.js";

const $ = (id) => document.getElementById(id);
const refreshMs = 3000;
const states = { received: "being checked for repeats", embedded: "waits for a panel", duplicate: "repeats another post", judging: "being judged",
	provisional: "judged, waits for the pay round's close", settled: "settled", accepted: "accepted", rejected: "rejected", void: "undecided",
	erased: "erased" };
let view, key, campaigns = [], task, epoch;

function tokens(units) {
	const n = BigInt(units), part = (n % 1000000000n).toString().padStart(9, "0").replace(/0+$/, "");
	return (n / 1000000000n).toString() + (part ? "." + part : "");
}

function element(name, text) {
	const made = document.createElement(name);
	made.textContent = text;
	return made;
}

function facts(id, pairs) {
	$(id).replaceChildren(...pairs.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
}

const campaign = () => campaigns.find((c) => c.name === $("campaign").value);

// A problem becomes a sentence at the place where it happened.
async function attempt(answer, work) {
	try {
		await work();
	} catch (problem) {
		$(answer).textContent = problem.message;
	}
}

// Votes that are sealed, as this browser remembers them; the salt follows from the vote seed.
const notesName = () => "winnow-votes-" + view.network_id.slice(0, 16) + "-" + key.did;
const notes = () => JSON.parse(localStorage.getItem(notesName()) || "[]");
const keepNotes = (list) => localStorage.setItem(notesName(), JSON.stringify(list.slice(-100)));

function showVotes() {
	const list = notes();
	$("votes").replaceChildren(...(list.length ? list.toReversed().map((vote) => element("li", vote.words + ": " + vote.state)) :
		[element("li", "None yet.")]));
}

function showCampaign() {
	const c = campaign();
	if (!c)
		return;
	$("question").textContent = c.question;
	$("licence").textContent = c.licence;
	$("deposit").textContent = tokens(c.seat_bond);
	$("pay").textContent = tokens(c.seat_pay);
	facts("terms", [["Kind", c.kind === "text" ? "posts" : "series of a sensor"], ["Answers", c.choices.map((x) => x.name.replaceAll("_", " ")).join(", ")],
		["Panel", c.panel.seats + " validators" + (c.panel.escalate ? ", " + c.panel.escalate + " more when they disagree" : "")],
		["At most for a post", tokens(c.per_item_ceiling) + " WIN"], ["Licence", c.licence]]);
	$("give").hidden = c.kind !== "text";
	$("task").hidden = true;
}

async function showItems() {
	const { items } = await send(view, key, "GET", "/v1/accounts/" + key.did + "/items");
	if (items.length === 0)
		return;
	$("items").replaceChildren(...items.map((item) => {
		const row = document.createElement("tr"), repeats = item.duplicate && item.duplicate.repeats;
		const verdict = item.verdict ? (item.verdict.choice || "undecided").replaceAll("_", " ") + " (" + (item.verdict.p_good / 10000).toFixed(1) + " % worth keeping)" : "";
		row.append(element("td", item.content), element("td", repeats ? item.duplicate.numerator + " of " + item.duplicate.denominator + " parts of " +
			item.duplicate.origin.slice(0, 12) + "…" : item.duplicate ? "nothing" : ""), element("td", states[item.state] || item.state), element("td", verdict));
		return row;
	}));
}

async function showAccount() {
	const account = await send(view, key, "GET", "/v1/accounts/" + key.did);
	for (const name of ["free", "bonded", "pending", "slashed"])
		$(name).textContent = tokens(account[name]) + " WIN";
}

async function showNow() {
	const now = await get("/v1/status");
	epoch = now.epoch;
	const left = Math.max(0, Math.ceil((epoch.opened_ms + view.epoch_ms - now.now_ms) / 1000));
	facts("now", [["Being judged", now.items.judging], ["Wait for the pay round", now.items.provisional], ["Pay round", epoch.epoch + ", " + left + " s left"],
		["Journal", now.journal.size + " entries, signed up to " + now.journal.checkpoint_size]]);
}

async function openVotes() {
	const list = notes();
	let changed = false;
	for (const vote of list.filter((v) => v.state === "sealed")) {
		let may;
		try {
			may = await mayOpen(view, key, vote);
		} catch (problem) {
			vote.state = problem.message;
			changed = true;
			continue;
		}
		if (!may)
			continue;
		const { results } = await send(view, key, "POST", "/v1/ballots", { phase: "reveal", votes: [{ item_id: vote.item_id, round: vote.round,
			choice: vote.choice, salt: hex(await voteSalt(view, key, vote)) }] });
		vote.state = results[0].result === "ok" || results[0].result === "repeated" ? "opened" : "not opened: " + results[0].result.replaceAll("_", " ");
		changed = true;
	}
	if (changed)
		keepNotes(list);
	showVotes();
}

async function vote(choice, words) {
	const cast = { item_id: task.item_id, round: task.round, sequence: 1, choice, words: words + " on \u201c" + task.words + "\u201d", state: "sealed" };
	const { results } = await send(view, key, "POST", "/v1/ballots", { phase: "commit", votes: [{ item_id: cast.item_id, round: cast.round,
		sequence: 1, commitment: hex(await commitment(view, key, cast)) }] });
	$("task").hidden = true;
	if (results[0].result !== "ok") {
		$("judge-answer").textContent = "The node did not take the vote: " + results[0].result.replaceAll("_", " ") + ".";
		return;
	}
	keepNotes([...notes(), cast]);
	$("judge-answer").textContent = "Sealed. It is opened once the others have voted.";
	showVotes();
	$("take").focus();
}

async function skip() {
	await send(view, key, "DELETE", "/v1/seats/" + task.item_id);
	$("task").hidden = true;
	$("judge-answer").textContent = "Skipped.";
}

function windowWords(content) {
	const window = JSON.parse(content);
	const last = window.samples[window.samples.length - 1];
	return window.samples.length + " readings of " + window.channels.map((c, i) => c.name + " (" + c.unit + "), the last " +
		(last[i + 1] === null ? "missing" : last[i + 1] * 10 ** c.exponent)).join("; ");
}

async function takeTask() {
	const c = campaign();
	const { seats } = await send(view, key, "POST", "/v1/seats", { campaign: c.name, count: 1 });
	if (seats.length === 0) {
		$("task").hidden = true;
		$("judge-answer").textContent = "No task is free for you at the moment; try again in a minute.";
		return;
	}
	task = seats[0];
	task.words = task.kind === "text" ? task.content.slice(0, 60) : "a series";
	$("judge-answer").textContent = "";
	$("content").textContent = task.kind === "text" ? task.content : windowWords(task.content);
	$("choices").replaceChildren(...c.choices.map((choice) => {
		const button = element("button", choice.name.replaceAll("_", " "));
		button.type = "button";
		button.addEventListener("click", () => attempt("judge-answer", () => choice.class === undefined ? skip() : vote(choice.class, button.textContent)));
		return button;
	}));
	$("task").hidden = false;
	$("choices").firstChild.focus();
}

async function give(event) {
	event.preventDefault();
	const answer = await send(view, key, "POST", "/v1/campaigns/" + campaign().name + "/items", { content: $("text").value });
	$("give-answer").textContent = answer.repeated ? "You sent this before; it counts once." : "Taken. The node's signed receipt came with it.";
	$("text").value = "";
	await showItems();
}

async function saveCopy(event) {
	event.preventDefault();
	const link = document.createElement("a");
	link.href = URL.createObjectURL(new Blob([await exportKey(key, $("password").value)], { type: "application/json" }));
	link.download = "winnow-key.json";
	link.click();
	URL.revokeObjectURL(link.href);
	$("account-answer").textContent = "Saved. Whoever has the copy and its password owns the account.";
}

async function useCopy(event) {
	event.preventDefault();
	key = await importKey(await $("copy").files[0].text(), $("copy-password").value);
	await join();
	$("account-answer").textContent = "This browser now uses the saved key.";
}

async function join() {
	await send(view, key, "POST", "/v1/accounts", { roles: ["contributor", "validator"] });
	$("did").textContent = key.did;
	showVotes();
	await refresh();
}

async function refresh() {
	await Promise.all([showNow(), showItems(), showAccount(), openVotes()]);
}

async function start() {
	view = await get("/v1/network");
	view.skew = view.now_ms - Date.now();
	key = await loadKey();
	$("network").textContent = "Network " + view.network_id.slice(0, 16) + ", version " + view.version + ".";
	$("sample").hidden = !view.sample;
	({ campaigns } = await get("/v1/campaigns"));
	$("campaign").replaceChildren(...campaigns.map((c) => element("option", c.name)));
	const texts = campaigns.find((c) => c.kind === "text");
	if (texts)
		$("campaign").value = texts.name;
	showCampaign();
	await join();
	setInterval(() => attempt("network", refresh), refreshMs);
}

$("campaign").addEventListener("change", showCampaign);
$("give").addEventListener("submit", (event) => attempt("give-answer", () => give(event)));
$("take").addEventListener("click", () => attempt("judge-answer", takeTask));
$("export").addEventListener("submit", (event) => attempt("account-answer", () => saveCopy(event)));
$("import").addEventListener("submit", (event) => attempt("account-answer", () => useCopy(event)));
attempt("network", start);

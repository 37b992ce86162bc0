// The deck: a validator takes a task, seals a vote, and this page opens it once the node has proved how the task was closed.
import { $, attempt, busy, element, say, shorten, show, tokens, words } from "./dom.js";
import { charts } from "./chart.js";
import { commitment, Doubt, judgeSealed, voteSalt } from "./proof.js";
import { hex } from "./bytes.js";
import { act, inLanguage, joined, kept, session, signed } from "./session.js";

const notesMost = 100, asksMost = 8, wordsShown = 60;
let task;

// ---- votes that this browser remembers; their salts follow from the vote seed

const same = (a, b) => a.item_id === b.item_id && a.round === b.round;
const notes = () => kept("votes").read([]);

function keepNote(note) {
	const list = notes(), at = list.findIndex((other) => same(other, note));
	kept("votes").write(at < 0 ? [...list, note].slice(-notesMost) : list.with(at, note));
}

const campaignOf = (name) => session.campaigns.find((c) => c.name === name);
const choiceName = (note, choice) => words(campaignOf(note.campaign)?.choices.find((c) => c.class === choice)?.name ?? "answer " + choice);

function noteWords(note) {
	const vote = note.choice === undefined ? "Your vote" : "\u201c" + choiceName(note, note.choice) + "\u201d";
	const on = vote + " on \u201c" + note.words + "\u201d: ";
	if (note.state === "sealed")
		return on + "sealed until the others have voted.";
	if (note.state === "opened")
		return on + "opened, checkpoint and sealed votes verified. The verdict comes when the pay round closes.";
	return on + note.told;
}

function showVotes() {
	show("votes", notes(), (list) => list.length ? list.toReversed().map((note) => element("li", noteWords(note))) : [element("li", "None yet.")]);
}

async function openVote(note) {
	const answer = await judgeSealed(session.view, session.key, note);
	if (answer.wait)
		return;
	if (answer.over) {
		keepNote({ ...note, state: "ended", told: "the task ended without it." });
		return;
	}
	const opened = { ...note, choice: answer.open };
	const { results } = await signed("POST", "/v1/ballots", { phase: "reveal", votes: [{ item_id: note.item_id, round: note.round,
		choice: opened.choice, salt: hex(await voteSalt(session.view, session.key, opened)) }] });
	const taken = results[0].result === "ok" || results[0].result === "repeated";
	keepNote(taken ? { ...opened, state: "opened" } : { ...opened, state: "ended", told: "not opened: " + (results[0].detail ?? results[0].result) + "." });
}

async function askVerdict(note) {
	const item = await signed("GET", "/v1/items/" + note.item_id);
	if (item.verdict?.final)
		keepNote({ ...note, state: "ended", told: item.verdict.choice ? "opened; the verdict is \u201c" + words(item.verdict.choice) + "\u201d." :
			"opened; the task ended undecided." });
}

export async function followVotes() {
	if (!joined())
		return;
	let trouble;
	for (const note of notes().filter((n) => n.state === "sealed"))
		try {
			await openVote(note);
		} catch (problem) {
			// A node that is away is asked again; one that lies is not. Neither keeps other votes from being opened.
			if (problem instanceof Doubt)
				keepNote({ ...note, state: "ended", told: problem.message });
			else
				trouble = problem;
		}
	for (const note of notes().filter((n) => n.state === "opened").slice(0, asksMost))
		await askVerdict(note);
	showVotes();
	if (trouble)
		throw trouble;
}

// ---- tasks

function showTask() {
	const campaign = campaignOf(task.campaign), choices = campaign.choices.map((choice, i) => {
		const button = element("button", words(choice.name), { type: "button", "aria-keyshortcuts": String(i + 1) });
		button.prepend(element("kbd", String(i + 1), { "aria-hidden": "true" }), " ");
		button.addEventListener("click", () => busy($("choices"), "judge-answer", () => choice.class === undefined ? skip() : vote(choice.class)));
		return button;
	});
	$("task-question").textContent = campaign.question;
	$("content").replaceChildren(...task.kind === "text" ? [element("blockquote", task.content, inLanguage(task.campaign))] : charts(task.content));
	$("choices").replaceChildren(...choices);
	$("task").hidden = false;
	$("take").hidden = true;
}

function endTask(sentence) {
	task = undefined;
	$("task").hidden = true;
	$("take").hidden = false;
	say("judge-answer", sentence);
	$("take").focus();
}

async function vote(choice) {
	const note = { item_id: task.item_id, round: task.round, sequence: 1, choice, campaign: task.campaign, state: "sealed",
		words: task.kind === "text" ? shorten(task.content, wordsShown) : "a series" };
	const sealed = hex(await commitment(session.view, session.key, note));
	const { results } = await signed("POST", "/v1/ballots", { phase: "commit", votes: [{ item_id: note.item_id, round: note.round,
		sequence: note.sequence, commitment: sealed }] });
	if (results[0].result !== "ok" && results[0].result !== "repeated") {
		endTask("The node did not take the vote: " + (results[0].detail ?? words(results[0].result)) + ".");
		return;
	}
	keepNote(note);
	endTask("Sealed. This page opens it once the others have voted and the node has proved it.");
	showVotes();
}

async function skip() {
	await signed("DELETE", "/v1/seats/" + task.item_id);
	endTask("Skipped.");
}

async function take(campaign) {
	const { seats, refused } = await act("POST", "/v1/seats", { campaign: campaign.name, count: 1 },
		{ idempotency: crypto.randomUUID() });
	if (seats.length === 0) {
		say("judge-answer", refused.some((r) => r.code === "insufficient_stake") ? "Your deposit does not cover this task: see Your account." :
			"No task is free for you just now. Look again in a minute.");
		return;
	}
	[task] = seats;
	say("judge-answer", "");
	showTask();
	$("task").focus();
}

// Tasks and sealed votes of this key that this browser does not know: from before a reload, or from another device.
export async function findTasks() {
	if (!joined())
		return;
	const { seats } = await signed("GET", "/v1/seats");
	for (const seat of seats) {
		const campaign = campaignOf(seat.campaign);
		if (seat.state === "leased") {
			if (!task && campaign) {
				task = seat;
				showTask();
				say("judge-answer", "You took this task earlier.");
			}
		} else if (!notes().some((note) => same(note, seat))) {
			keepNote({ item_id: seat.item_id, round: seat.round, sequence: seat.sequence, campaign: seat.campaign, state: "sealed",
				classes: campaign ? campaign.choices.filter((c) => c.class !== undefined).length : 0,
				words: seat.kind === "text" ? shorten(seat.content, wordsShown) : "a series" });
		}
	}
	showVotes();
}

export function showTerms(campaign) {
	$("deposit").textContent = tokens(campaign.seat_bond);
	$("pay").textContent = tokens(campaign.seat_pay);
}

export function start(campaign) {
	$("take").addEventListener("click", () => busy($("take"), "judge-answer", () => take(campaign())));
	// Digits answer while the task has the focus, and only then: nobody loses a key press elsewhere.
	$("task").addEventListener("keydown", (event) => {
		const button = /^[1-9]$/.test(event.key) && !event.ctrlKey && !event.metaKey && !event.altKey && $("choices").children[event.key - 1];
		if (button) {
			event.preventDefault();
			button.click();
		}
	});
	attempt("judge-answer", findTasks);
}

// Another key has other tasks.
export function forget() {
	task = undefined;
	$("task").hidden = true;
	$("take").hidden = false;
	say("judge-answer", "");
}

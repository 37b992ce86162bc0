// The desk: a contributor gives posts and follows each: what it repeats, its verdict.
import { $, busy, element, say, short, shorten, show, words } from "./dom.js";
import { act, inLanguage, joined, session, signed } from "./session.js";

const postShown = 60;
const waiting = {
	received: "Being checked for repeats.",
	embedded: "Waits for a panel.",
	judging: "Being judged.",
	provisional: "Judged; the verdict comes when the pay round closes.",
	erased: "Erased.",
};
const lasting = new Map();

function verdictWords(verdict) {
	if (!verdict.choice)
		return "undecided";
	return words(verdict.choice) + ", " + (verdict.p_good / 10000).toFixed(1) + " % likely to be worth keeping";
}

function stateWords(item) {
	if (item.state === "duplicate")
		return "Not judged and not paid, because it repeats.";
	if (item.state === "settled")
		return "Verdict: " + verdictWords(item.verdict) + ". Final when the time for objections is over.";
	if (item.verdict)
		return { accepted: "Accepted: ", rejected: "Rejected: ", void: "No verdict: " }[item.state] + verdictWords(item.verdict) + ".";
	return waiting[item.state] ?? words(item.state) + ".";
}

function repeatWords(item, items) {
	const { duplicate } = item;
	if (!duplicate)
		return "";
	if (!duplicate.repeats)
		return "Repeats nothing.";
	const origin = items.find((other) => other.item_id === duplicate.origin);
	const what = origin ? "your post \u201c" + shorten(origin.content, postShown) + "\u201d" : "an earlier post (" + short(duplicate.origin) + ")";
	return "Repeats " + what + ({ exact: ": the same text.", normalised: ": the same words." }[duplicate.method] ??
		": " + duplicate.numerator + " of " + duplicate.denominator + " parts are the same.");
}

// A state that changed since the last look is also said aloud.
function tellChanges(items) {
	for (const item of items) {
		const before = lasting.get(item.item_id);
		if (before && before !== item.state)
			say("give-answer", "\u201c" + shorten(item.content, postShown) + "\u201d: " + stateWords(item));
		lasting.set(item.item_id, item.state);
	}
}

export async function showItems() {
	if (!joined())
		return;
	const { items } = await signed("GET", "/v1/accounts/" + session.key.did + "/items");
	tellChanges(items);
	show("items", items, () => items.length ? items.map((item) => {
		const row = element("li"), repeats = repeatWords(item, items);
		row.append(element("p", item.content, { class: "post", ...inLanguage(item.campaign) }), element("p", stateWords(item)));
		if (repeats)
			row.append(element("p", repeats, { class: "soft" }));
		return row;
	}) : [element("li", "None yet.")]);
}

async function give(campaign) {
	const text = $("text").value;
	const answer = await act("POST", "/v1/campaigns/" + campaign.name + "/items", { content: text });
	say("give-answer", answer.repeated ? "You gave this before; it counts once." :
		"Taken; the node\u2019s signed receipt is kept in this browser. Next: the check for repeats.");
	$("text").value = "";
	lasting.set(answer.item_id, answer.state);
	await showItems();
}

export function start(campaign) {
	$("give").addEventListener("submit", (event) => {
		event.preventDefault();
		busy($("give-it"), "give-answer", () => give(campaign()));
	});
}

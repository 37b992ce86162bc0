// What every part of the page needs to show something: elements, lists that change only when their content did, plain words.
export const $ = (id) => document.getElementById(id);

export function element(name, text, attributes = {}) {
	const made = document.createElement(name);
	if (text !== undefined)
		made.textContent = text;
	for (const [key, value] of Object.entries(attributes))
		made.setAttribute(key, value);
	return made;
}

const shown = new Map();

// Fills the element anew only when `content` differs from last time: what a reader has focused or marked stays.
export function show(id, content, make) {
	const text = JSON.stringify(content);
	if (shown.get(id) === text)
		return;
	shown.set(id, text);
	$(id).replaceChildren(...make(content));
}

export function facts(id, pairs) {
	show(id, pairs, (rows) => rows.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
}

// Status lines are read aloud when they change: the same sentence is not said again and again.
export function say(id, sentence) {
	if ($(id).textContent !== sentence)
		$(id).textContent = sentence;
}

// A problem becomes a sentence at the place where it happened. True: it went well.
export async function attempt(place, work) {
	try {
		await work();
		return true;
	} catch (problem) {
		say(place, problem.message);
		return false;
	}
}

// For a button that must not be pressed twice while its work goes on.
export async function busy(button, place, work) {
	if (button.getAttribute("aria-disabled") === "true")
		return;
	button.setAttribute("aria-disabled", "true");
	await attempt(place, work);
	button.removeAttribute("aria-disabled");
}

export const words = (name) => name.replaceAll("_", " ");
export const shorten = (text, most) => text.length > most ? text.slice(0, most - 1).trimEnd() + "\u2026" : text;
export const short = (hash) => hash.slice(0, 12) + "\u2026";

const unitsOfToken = 1000000000n;

export function tokens(units) {
	const n = BigInt(units), part = (n % unitsOfToken).toString().padStart(9, "0").replace(/0+$/, "");
	return (n / unitsOfToken).toString() + (part ? "." + part : "");
}

// "1.5" -> "1500000000"; never through a floating number.
export function units(text) {
	const match = /^(\d{1,10})(?:[.,](\d{1,9}))?$/.exec(text.trim());
	if (!match)
		throw new Error("An amount is a number such as 2 or 0.25, with at most nine digits behind the point.");
	const amount = BigInt(match[1]) * unitsOfToken + BigInt((match[2] || "").padEnd(9, "0"));
	if (amount === 0n)
		throw new Error("The amount is zero.");
	return amount.toString();
}

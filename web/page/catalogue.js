// The catalogue: each dataset's newest version and the commands that fetch and verify it.
import { $, attempt, busy, element, say, short, show } from "./dom.js";
import { get } from "./wire.js";

const place = "datasets-answer";

async function copy(text, name) {
	await navigator.clipboard.writeText(text);
	say(place, "The commands for " + name + " are copied.");
}

function entry(set) {
	const row = element("li"), commands = set.verify.join("\n"), button = element("button", "Copy the commands", { type: "button", class: "quiet" });
	button.setAttribute("aria-label", "Copy the commands for " + set.dataset);
	button.addEventListener("click", () => busy(button, place, () => copy(commands, set.dataset)));
	row.append(element("h3", set.dataset + ", version " + set.version), element("p", (set.sample ? "A sample: written for a try-out, judged by robots too. " : "") +
		set.row_count + (set.row_count === 1 ? " row" : " rows") + (set.licence ? ", " + set.licence : "") + ", from campaign " + set.campaign +
		"; root of its rows " + short(set.row_root)), element("pre", commands), button);
	const page = element("a", "Files and their SHA-256", { href: "/v1/datasets/" + encodeURIComponent(set.dataset) + "/" + set.version });
	page.setAttribute("aria-label", "Files of " + set.dataset + " and their SHA-256");
	row.append(" ", page);
	return row;
}

export async function showDatasets() {
	const { datasets } = await get("/v1/datasets");
	const sets = await Promise.all(datasets.filter((set) => set.version).map(async (set) => ({ ...set,
		verify: (await get("/v1/datasets/" + encodeURIComponent(set.dataset) + "/" + set.version)).verify })));
	show("datasets", sets, () => sets.length ? sets.map(entry) : [element("li", "None is released yet.")]);
}

export function start() {
	$("datasets").setAttribute("aria-busy", "true");
	return attempt(place, showDatasets).finally(() => $("datasets").removeAttribute("aria-busy"));
}

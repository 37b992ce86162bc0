// The page: one campaign at a time, a desk to give posts, a deck to judge them, an account, the catalogue, checks of the node.
import * as catalogue from "./catalogue.js";
import * as deck from "./deck.js";
import * as desk from "./desk.js";
import * as money from "./money.js";
import { $, attempt, busy, element, facts, say, show, tokens, words } from "./dom.js";
import { checkNode } from "./proof.js";
import { open, session } from "./session.js";
import { get } from "./wire.js";

const refreshMs = 2000, seldomTurns = 15;
let turn = 0;

const campaign = () => session.campaigns.find((c) => c.name === $("campaign").value) ?? session.campaigns[0];
const ready = () => say("network", "Network " + session.view.network_id.slice(0, 16) + ", winnow " + session.view.version + ".");

function showCampaign() {
	const c = campaign(), text = c?.kind === "text";
	$("give").hidden = !text || !c.open;
	$("no-give").hidden = text;
	$("closed").hidden = !c || c.open;
	$("take").disabled = !c;
	if (!c)
		return;
	$("question").textContent = c.question;
	$("licence").textContent = c.licence;
	facts("terms", [["Collects", text ? "posts" : "series of a sensor"], ["Answers", c.choices.map((x) => words(x.name)).join(", ")],
		["Judged by", c.panel.seats + " validators" + (c.panel.escalate ? ", " + c.panel.escalate + " more when they disagree" : "")],
		["Pays at most", tokens(c.per_item_ceiling) + " WIN for " + (text ? "a post" : "a series")], ["Licence", c.licence]]);
	deck.showTerms(c);
}

async function showCampaigns() {
	({ campaigns: session.campaigns } = await get("/v1/campaigns"));
	const names = session.campaigns.map((c) => c.name), chosen = $("campaign").value;
	show("campaign", names, () => names.map((name) => element("option", name)));
	const texts = session.campaigns.find((c) => c.kind === "text");
	$("campaign").value = names.includes(chosen) ? chosen : texts?.name ?? names[0] ?? "";
	showCampaign();
}

const time = (ms) => ms > 180000 ? Math.round(ms / 60000) + " min" : Math.max(0, Math.ceil(ms / 1000)) + " s";

async function showNow() {
	const now = await get("/v1/status");
	facts("now", [["Being judged", String(now.items.judging)], ["Wait for the pay round", String(now.items.provisional)],
		["Pay round", now.epoch ? now.epoch.epoch + ", " + time(now.epoch.opened_ms + session.view.epoch_ms - now.now_ms) + " left" : "none"],
		["Journal", now.journal.size + " entries, " + now.journal.checkpoint_size + " of them under a signed checkpoint"]]);
}

async function check() {
	const { size, kept, waiting } = await checkNode(session.view);
	say("check-answer", "Verified here: the node\u2019s signature on a journal of " + size + " entries, which continues the one this browser saw " +
		"before, and in it " + kept + " of your " + (kept + waiting) + " receipts" + (waiting ? "; " + waiting + " wait for the next checkpoint." : "."));
}

async function refresh() {
	await Promise.all([showNow(), desk.showItems(), money.showAccount(), deck.followVotes()]);
	const seldom = ++turn % seldomTurns === 0;
	if (seldom || session.campaigns.length === 0)
		await showCampaigns();
	if (seldom)
		await catalogue.showDatasets();
	ready();
}

// One look follows another, never two at once.
async function look() {
	await attempt("network", refresh);
	setTimeout(look, refreshMs);
}

async function changedKey() {
	deck.forget();
	await deck.findTasks();
	await refresh();
}

async function start() {
	await open();
	$("sample").hidden = !session.view.sample;
	await showCampaigns();
	ready();
	desk.start(campaign);
	deck.start(campaign);
	money.start(changedKey);
	catalogue.start();
	$("campaign").addEventListener("change", showCampaign);
	$("check").addEventListener("click", () => busy($("check"), "check-answer", check));
	$("main").removeAttribute("inert");
	look();
}

async function begin() {
	if (!await attempt("network", start))
		setTimeout(begin, refreshMs);
}
begin();

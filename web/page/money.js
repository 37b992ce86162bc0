// The account: four figures, what moved on it, deposits, and copies of the key.
import { $, busy, element, say, show, tokens, units, words } from "./dom.js";
import { exportKey, importKey } from "./keys.js";
import { act, join, joined, kept, session, signed } from "./session.js";

const movesShown = 8;
const causes = {
	"reward/contributor": "for a post",
	"reward/validator": "for judging",
	"reward/curator": "for known answers",
	"reward/vested": "became free",
	"stake": "into deposits",
	"unstake": "out of deposits",
	"transfer": "transfer",
	"seat/released": "a task\u2019s deposit came back",
	"seat/left": "a task\u2019s deposit came back",
	"seat/slashed": "lost deposit",
};

function moveWords(move) {
	const sign = { in: "+", out: "\u2212", within: "" }[move.direction], round = move.epoch === undefined ? "" : ", pay round " + move.epoch;
	const step = move.step === "pending" ? ", on its way" : move.step === "void" ? ", taken back" : "";
	return sign + tokens(move.amount) + " WIN " + (causes[move.cause] ?? words(move.cause)) + round + step;
}

export async function showAccount() {
	$("did").textContent = session.key.did;
	$("who").value = session.key.did;
	$("unsaved").hidden = kept("saved").read(false) || !joined();
	if (!joined())
		return;
	const [account, { entries }] = await Promise.all([signed("GET", "/v1/accounts/" + session.key.did),
		signed("GET", "/v1/accounts/" + session.key.did + "/statement?count=" + movesShown)]);
	for (const name of ["free", "bonded", "pending", "slashed"])
		$(name).textContent = tokens(account[name]) + " WIN";
	show("moves", entries.map(moveWords), (lines) => lines.length ? lines.map((line) => element("li", line)) : [element("li", "Nothing yet.")]);
}

async function move(path, done) {
	const amount = units($("amount").value);
	await act("POST", path, { amount }, { idempotency: crypto.randomUUID() });
	$("amount").value = "";
	say("deposit-answer", done);
	await showAccount();
}

async function saveCopy() {
	const link = document.createElement("a");
	link.href = URL.createObjectURL(new Blob([await exportKey(session.key, $("password").value)], { type: "application/json" }));
	link.download = "winnow-key.json";
	link.click();
	// The browser reads the address after this turn.
	setTimeout(() => URL.revokeObjectURL(link.href), 60000);
	$("password").value = "";
	kept("saved").write(true);
	say("copy-answer", "Saved as winnow-key.json. Whoever has this file and its password owns the account.");
	await showAccount();
}

async function useCopy(changed) {
	session.key = await importKey(await $("copy").files[0].text(), $("copy-password").value);
	$("copy-password").value = "";
	$("copy").value = "";
	await join();
	kept("saved").write(true);
	say("copy-answer", "This browser now uses the saved key.");
	await changed();
}

// changed: what to show anew when the key is another one.
export function start(changed) {
	const onSubmit = (form, place, work) => $(form).addEventListener("submit", (event) => {
		event.preventDefault();
		busy(event.submitter, place, () => work(event));
	});
	onSubmit("stakes", "deposit-answer", (event) => event.submitter === $("unstake") ?
		move("/v1/unstakes", "On its way back; free after " + Math.round(session.view.policy.unbonding_ms / 1000) + " s.") :
		move("/v1/stakes", "Deposited."));
	onSubmit("export", "copy-answer", saveCopy);
	onSubmit("import", "copy-answer", () => useCopy(changed));
}

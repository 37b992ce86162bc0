// Judges a node by other people's libraries: ecosystem.mjs URL STATE KEYS WINNOW FOLDER. Genesis and KEYS are those of
// tests/foreign/http_keys.py; the clock is a manual one; the dataset's files go below FOLDER.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Key, Node, Report } from "./client.mjs";
import { Document, judgeDocument } from "./document.mjs";
import { judgeEvidence } from "./evidence.mjs";
import { judgeSignatures } from "./signatures.mjs";
import { walk, walkClosing } from "./walk.mjs";

const [url, state, folder, winnow, out] = process.argv.slice(2);
const report = new Report(), check = (good, sentence) => report.check(good, sentence);
const node = new Node(url, state + "/run/operator.sock");
await node.meet();
const keys = Object.fromEntries(["giver", "judge1", "judge2", "judge3", "lab", "curator", "stranger"].map((name) => [name, Key.ofFile(join(folder, name))]));
keys.operator = Key.ofFile(join(state, "keys/operator.key"));
const served = (await node.ask("GET", "/openapi.json")).json;
await judgeDocument(served, report);
const document = new Document(served, report);
node.watch = (...seen) => document.watch(...seen);
mkdirSync(join(out, "version"));
const told = await walk(node, keys, check, join(out, "version"));
await judgeSignatures(node, keys, check, winnow, folder);
await judgeEvidence(node, keys, told, join(out, "version"), check);
await walkClosing(node, keys, check);
document.judgeCoverage();
report.end();

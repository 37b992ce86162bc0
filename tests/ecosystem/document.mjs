// openapi.json before strangers: linted, held against the published schema of OpenAPI 3.1, and every answer of the walk
// validated by ajv against what the document says of it.
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import linter from "@redocly/openapi-core";
import { Validator } from "@seriousme/openapi-schema-validator";

const DOCUMENT = "openapi.json";

async function lint(document) {
	const config = await linter.createConfig({ extends: ["recommended-strict"] });
	const problems = await linter.lintFromString({ source: JSON.stringify(document), absoluteRef: DOCUMENT, config });
	return problems.map((one) => one.ruleId + ": " + one.message + " at " + one.location[0].pointer);
}

async function fits31(document) {
	const validator = new Validator();
	const result = await validator.validate(structuredClone(document));
	return { good: result.valid && validator.version === "3.1", errors: result.errors };
}

// One fault each; a judge that lets it pass judges nothing.
const faults = {
	"a schema that is nowhere": (document) => { document.paths["/v1/network"].get.responses["200"].content["application/json"].schema.$ref += "s"; },
	"a type that JSON lacks": (document) => { document.components.schemas.Network.type = "struct"; },
	"a scheme that is not defined": (document) => { document.paths["/v1/stakes"].post.security = [{ bearer: [] }]; },
	"an operation's name twice": (document) => { document.paths["/livez"].get.operationId = document.paths["/readyz"].get.operationId; },
	"a path's parameter that is not told": (document) => { document.paths["/v1/items/{id}"].get.parameters = []; },
};

export async function judgeDocument(document, report) {
	const problems = await lint(document);
	report.check(problems.length === 0, "the linter finds nothing: " + problems.slice(0, 5).join("; "));
	const valid = await fits31(document);
	report.check(valid.good, "the document fits the schema of OpenAPI 3.1: " + JSON.stringify(valid.errors)?.slice(0, 400));
	for (const [name, spoil] of Object.entries(faults)) {
		const spoiled = structuredClone(document);
		spoil(spoiled);
		report.check((await lint(spoiled)).length > 0, "the linter finds " + name);
	}
	const headless = structuredClone(document);
	delete headless.info.title;
	report.check(!(await fits31(headless)).good, "the schema of OpenAPI 3.1 misses a title");
}

// The same schemas without room for what they do not name: an answer may tell nothing undocumented.
function closed(node) {
	if (Array.isArray(node))
		return node.map(closed);
	if (node === null || typeof node !== "object")
		return node;
	const out = Object.fromEntries(Object.entries(node).map(([name, value]) => [name, closed(value)]));
	if (out.type === "object" && out.properties && out.additionalProperties === undefined)
		out.additionalProperties = false;
	return out;
}

function ajvOf(document) {
	const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true });
	addFormats(ajv);
	// The document is no schema itself; what it holds beside them is left alone.
	ajv.addVocabulary(Object.keys(document));
	ajv.addSchema(document, DOCUMENT, undefined, false);
	return ajv;
}

export class Document {
	constructor(document, report) {
		this.document = document;
		this.report = report;
		this.seen = new Map();
		this.validated = 0;
		this.open = ajvOf(document);
		this.closed = ajvOf(closed(document));
		this.paths = Object.entries(document.paths).map(([path, operations]) => {
			const many = Object.values(operations).some((one) => one["x-winnow-segments"]);
			const text = path.replace(/[.]/g, "\\.").replace(/\{[a-z0-9]+\}$/, many ? ".+" : "[^/]+").replace(/\{[a-z0-9]+\}/g, "[^/]+");
			return { path, operations, regex: new RegExp("^" + text + "$") };
		}).sort((a, b) => a.path.split("{").length - b.path.split("{").length || b.path.length - a.path.length);
		for (const name of Object.keys(document.components.schemas))
			report.check(this.compile(this.open, "/components/schemas/" + name), name + " is a schema of JSON Schema 2020-12");
	}

	compile(ajv, pointer) {
		try {
			return ajv.compile({ $ref: DOCUMENT + "#" + pointer });
		} catch (error) {
			console.log("  " + error.message);
			return null;
		}
	}

	problems(ajv, schema, value) {
		// References of the document are relative to it.
		const pointer = schema.$ref?.slice(1);
		const validate = pointer ? this.compile(ajv, pointer) : ajv.compile(schema);
		return !validate ? "no schema" : validate(value) ? "" : ajv.errorsText(validate.errors).slice(0, 300);
	}

	resolve(one) {
		return one.$ref ? one.$ref.slice(2).split("/").reduce((at, name) => at[name], this.document) : one;
	}

	// Node.watch.
	watch(request, target, answer) {
		const check = (good, sentence) => this.report.check(good, request.method + " " + target.slice(0, 80) + " -> " + answer.status + ": " + sentence);
		const path = target.split("?")[0];
		const method = request.method === "HEAD" ? "get" : request.method.toLowerCase();
		const found = this.paths.find((one) => one.regex.test(path) && one.operations[method]);
		if (!found)
			return;
		const operation = found.operations[method], name = method + " " + found.path;
		if (!this.seen.has(name))
			this.seen.set(name, new Set());
		this.seen.get(name).add(answer.status);
		if (!check(operation.responses[answer.status], "the status is documented"))
			return;
		const response = this.resolve(operation.responses[answer.status]);
		for (const [header, told] of Object.entries(response.headers ?? {})) {
			const value = answer.headers[header.toLowerCase()];
			if (value !== undefined)
				check(this.problems(this.open, this.resolve(told).schema, value) === "", header + " is " + value);
		}
		if (answer.json === undefined)
			return;
		const content = response.content?.[answer.type] ?? (response.content?.["*/*"] && {});
		if (!check(content, answer.type + " is documented") || !content.schema)
			return;
		this.validated++;
		for (const ajv of [this.open, this.closed]) {
			const problems = this.problems(ajv, content.schema, answer.json);
			check(problems === "", problems);
		}
		const taken = operation.requestBody?.content["application/json"]?.schema;
		if (answer.status < 300 && request.body && taken && request.headers["Content-Type"] === "application/json") {
			const problems = this.problems(this.open, taken, JSON.parse(request.body));
			check(problems === "", "the request fits: " + problems);
		}
	}

	// After the walk: which operations were never seen to answer well.
	judgeCoverage() {
		for (const { path, operations } of this.paths)
			for (const method of Object.keys(operations)) {
				const statuses = [...(this.seen.get(method + " " + path) ?? [])];
				this.report.check(statuses.some((status) => status < 300), method + " " + path + " was seen to succeed: " + statuses);
			}
		this.report.check(this.validated > 200, "many answers were validated: " + this.validated);
		const clock = { $ref: "#/components/schemas/Clock" };
		this.report.check(this.problems(this.open, clock, { now_ms: 1.5 }) !== "", "ajv finds an answer that is none");
		this.report.check(this.problems(this.open, clock, { now_ms: 1, then_ms: 2 }) === "", "lets more pass, as the document does");
		this.report.check(this.problems(this.closed, clock, { now_ms: 1, then_ms: 2 }) !== "", "and finds it where nothing undocumented may be");
	}
}

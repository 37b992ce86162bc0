// A series of a sensor as one small line chart a channel, in words below it, and as a table for who wants every reading.
import { element, words } from "./dom.js";

const svgSpace = "http://www.w3.org/2000/svg", width = 600, height = 120, edge = 6;

// n * 10^exponent as text, exactly.
export function decimal(n, exponent) {
	if (exponent >= 0 || n === 0)
		return (BigInt(n) * 10n ** BigInt(Math.max(exponent, 0))).toString();
	const digits = Math.abs(n).toString().padStart(1 - exponent, "0"), part = digits.slice(exponent).replace(/0+$/, "");
	return (n < 0 ? "\u2212" : "") + digits.slice(0, exponent) + (part ? "." + part : "");
}

function svg(name, attributes) {
	const made = document.createElementNS(svgSpace, name);
	for (const [key, value] of Object.entries(attributes))
		made.setAttribute(key, value);
	return made;
}

// A missing reading breaks the line; a reading alone between two missing ones is a dot.
function lines(points) {
	const runs = [[]];
	for (const point of points)
		if (point)
			runs.at(-1).push(point);
		else if (runs.at(-1).length)
			runs.push([]);
	return runs.filter((run) => run.length).map((run) => run.length === 1 ? svg("circle", { cx: run[0][0], cy: run[0][1], r: 3 }) :
		svg("polyline", { points: run.map((p) => p.join(",")).join(" ") }));
}

const title = (channel) => words(channel.name) + (channel.unit && channel.unit !== "1" ? " (" + channel.unit + ")" : "");

function channelFigure(window, channel, at) {
	const { samples } = window, values = samples.map((s) => s[at]).filter((v) => v !== null);
	const first = samples[0][0], last = samples.at(-1)[0], seconds = Math.round((last - first) / 1000);
	const missing = samples.length - values.length, figure = element("figure");
	let told = title(channel) + ": " + samples.length + " readings in " + seconds + " s, ";
	if (values.length === 0) {
		figure.append(element("figcaption", told + "all missing."));
		return figure;
	}
	const low = Math.min(...values), high = Math.max(...values), span = high - low || 1;
	told += low === high ? "always " + decimal(low, channel.exponent) : "from " + decimal(low, channel.exponent) + " to " + decimal(high, channel.exponent);
	told += missing ? ", " + missing + " missing." : ".";
	const drawing = svg("svg", { viewBox: "0 0 " + width + " " + height, role: "img", "aria-label": told, class: "chart" });
	drawing.append(...lines(samples.map((s) => s[at] === null ? null : [edge + (s[0] - first) / (last - first || 1) * (width - 2 * edge),
		height - edge - (low === high ? .5 : (s[at] - low) / span) * (height - 2 * edge)].map((x) => Number(x.toFixed(1))))));
	const caption = element("figcaption", told);
	// The drawing carries the same words.
	caption.setAttribute("aria-hidden", "true");
	figure.append(drawing, caption);
	return figure;
}

function table(window) {
	const details = element("details"), made = element("table"), head = element("tr"), body = element("tbody"), top = element("thead");
	head.append(...["Second", ...window.channels.map(title)].map((name) => element("th", name, { scope: "col" })));
	for (const sample of window.samples) {
		const row = element("tr");
		row.append(element("td", ((sample[0] - window.samples[0][0]) / 1000).toFixed(1)), ...window.channels.map((channel, i) =>
			element("td", sample[i + 1] === null ? "missing" : decimal(sample[i + 1], channel.exponent))));
		body.append(row);
	}
	top.append(head);
	made.append(element("caption", "Readings of " + window.device), top, body);
	details.append(element("summary", "Every reading"), made);
	return details;
}

// The canonical content of a series -> elements to show.
export function charts(content) {
	const window = JSON.parse(content);
	if (window.samples.length === 0)
		return [element("p", "A series without readings.")];
	return [...window.channels.map((channel, i) => channelFigure(window, channel, i + 1)), table(window)];
}

// Runs inside the page: what a script can say about its accessibility. Each function returns a list of complaints, empty when all is well.
const visible = (e) => e.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
const told = (e) => e.tagName.toLowerCase() + (e.id ? "#" + e.id : "") + " \u201c" + (e.innerText ?? "").slice(0, 30) + "\u201d";

function luminance([r, g, b]) {
	const line = (c) => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
	return .2126 * line(r) + .7152 * line(g) + .0722 * line(b);
}

const numbers = (color) => color.match(/[\d.]+/g).map(Number);
const solid = (color) => (numbers(color)[3] ?? 1) === 1;

function behind(e) {
	for (; e; e = e.parentElement)
		if (solid(getComputedStyle(e).backgroundColor))
			return numbers(getComputedStyle(e).backgroundColor);
	return [255, 255, 255];
}

function ratio(a, b) {
	const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
	return (high + .05) / (low + .05);
}

// WCAG 1.4.3 for text, 1.4.11 for the edges of fields.
export function contrast() {
	const complaints = [];
	for (const e of document.body.querySelectorAll("*")) {
		const style = getComputedStyle(e);
		if (visible(e) && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) && e.tagName !== "OPTION") {
			const found = ratio(numbers(style.color), behind(e));
			if (found < 4.5)
				complaints.push(told(e) + " has contrast " + found.toFixed(2));
		}
		if (visible(e) && e.matches("input, textarea, select") && ratio(numbers(style.borderTopColor), behind(e.parentElement)) < 3)
			complaints.push(told(e) + " has a faint edge");
	}
	return complaints;
}

export function structure() {
	const complaints = [], all = [...document.querySelectorAll("*")], ids = all.map((e) => e.id).filter(Boolean);
	const need = (condition, complaint) => condition || complaints.push(complaint);
	need(document.documentElement.lang, "the page names no language");
	need(document.title, "the page has no title");
	need(new Set(ids).size === ids.length, "an id is used twice");
	for (const name of ["main", "header", "footer", "nav", "h1"])
		need(document.querySelectorAll(name).length === 1, "there is not exactly one " + name);
	for (const attribute of ["aria-labelledby", "aria-describedby", "for"])
		for (const e of document.querySelectorAll("[" + attribute + "]"))
			for (const id of e.getAttribute(attribute).split(" "))
				need(document.getElementById(id), told(e) + ": " + attribute + " names " + id + ", which is not there");
	for (const link of document.querySelectorAll('a[href^="#"]'))
		need(document.querySelector(link.getAttribute("href")), told(link) + " leads nowhere");
	let level = 0;
	for (const e of [...document.querySelectorAll("h1, h2, h3, h4")].filter(visible)) {
		const now = Number(e.tagName[1]);
		need(now <= level + 1, told(e) + " skips a level");
		level = now;
	}
	for (const e of document.querySelectorAll("img"))
		need(e.hasAttribute("alt"), told(e) + " has no alternative text");
	for (const e of document.querySelectorAll("svg"))
		need(e.getAttribute("role") === "img" && e.getAttribute("aria-label"), "a drawing has no text alternative");
	for (const e of document.querySelectorAll("[role=group], section, nav"))
		need(e.getAttribute("aria-label") || e.getAttribute("aria-labelledby"), told(e) + " is a group without a name");
	for (const e of document.querySelectorAll("th"))
		need(e.scope, told(e) + " heads neither row nor column");
	for (const e of document.querySelectorAll("input:not([hidden]), textarea, select"))
		need(e.labels.length === 1, told(e) + " has no label of its own");
	need(!document.querySelector("[tabindex]:not([tabindex='-1'])"), "somebody forces an order of focus");
	need(!document.querySelector("[style], [onclick], script:not([src])"), "there is inline style or code");
	return complaints;
}

// WCAG 2.5.8 and 1.4.10.
export function room() {
	const complaints = [];
	if (document.documentElement.scrollWidth > innerWidth)
		complaints.push("the page is " + document.documentElement.scrollWidth + " wide in a window of " + innerWidth);
	for (const e of document.querySelectorAll("button, nav a, select, input:not([hidden]), summary"))
		if (visible(e) && (e.getBoundingClientRect().height < 24 || e.getBoundingClientRect().width < 24))
			complaints.push(told(e) + " is smaller than 24 pixels");
	return complaints;
}

// How the element that has the focus shows it.
export function focusShown() {
	const e = document.activeElement, style = getComputedStyle(e);
	return e === document.body || (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 &&
		ratio(numbers(style.outlineColor), behind(e.parentElement)) >= 3) ? "" : told(e) + " does not show its focus";
}

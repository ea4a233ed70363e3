// Making elements, lengths of time and small drawings. Text always goes in as text: nothing here reads HTML.

const SVG = "http://www.w3.org/2000/svg";

export const by = (id) => document.getElementById(id);

export function el(name, about = {}, ...children) {
  return filled(document.createElement(name), about, children);
}

export function svg(name, about = {}, ...children) {
  return filled(document.createElementNS(SVG, name), about, children);
}

function filled(node, about, children) {
  for (const [key, value] of Object.entries(about)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "on") for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
    else node.setAttribute(key === "cls" ? "class" : key, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

// Replaces what a node holds, unless it would be the same: focus, selection and a reader's place stay where they are.
const shown = new WeakMap();
export function show(node, facts, make) {
  const key = JSON.stringify(facts);
  if (shown.get(node) === key) return;
  shown.set(node, key);
  const focused = node.contains(document.activeElement) ? document.activeElement.id : "";
  node.replaceChildren(...[make(facts)].flat());
  if (focused) by(focused)?.focus();
}

export function quiet(text) {
  return el("p", { cls: "quiet" }, text);
}

export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) {
    const minutes = Math.floor(whole / 60), rest = whole % 60;
    return rest && minutes < 10 ? `${minutes} min ${rest} s` : `${minutes} min`;
  }
  const hours = Math.floor(whole / 3600), minutes = Math.floor((whole % 3600) / 60);
  if (hours >= 48) return `${Math.floor(hours / 24)} d`;
  return minutes && hours < 6 ? `${hours} h ${minutes} min` : `${hours} h`;
}

export function short(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  return seconds < 9.95 ? `${Math.round(seconds * 10) / 10} s` : duration(seconds);
}

// A wait ahead: tenths below ten seconds, where they matter.
export function soon(seconds) {
  if (seconds < 0.05) return "now";
  return `in ${seconds < 9.95 ? `${Math.round(seconds * 10) / 10} s` : duration(seconds)}`;
}

export function clock(at, withSeconds = true) {
  return new Date(at).toLocaleTimeString([], {
    hour: "2-digit", minute: "2-digit", ...(withSeconds ? { second: "2-digit" } : {}), hour12: false,
  });
}

export function day(at) {
  return new Date(at).toLocaleDateString([], { weekday: "short", day: "numeric", month: "short" });
}

export function percent(share) {
  if (share > 0.99 && share < 1) return "over 99 %";
  if (share > 0 && share < 0.01) return "under 1 %";
  return `${Math.round(share * 100)} %`;
}

const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
export const compact = (count) => COMPACT.format(count);

export function many(count, one, more = `${one}s`) {
  return `${count.toLocaleString("en").replaceAll(",", "\u202f")} ${count === 1 ? one : more}`;
}

export function bar(share, tone, width = 56) {
  const length = Math.max(0, Math.min(1, share)) * width;
  return svg("svg", { viewBox: `0 0 ${width} 8`, "aria-hidden": "true", preserveAspectRatio: "none" },
    svg("rect", { cls: "track", width, height: 8, rx: 2 }),
    svg("rect", { cls: `fill-${tone}`, width: length, height: 8, rx: 2 }));
}

export function mark(state) {
  const [sign, tone] = MARKS[state] ?? ["?", "warn"];
  return el("span", { cls: `mark ${tone}`, "aria-hidden": "true" }, sign);
}

const MARKS = {
  ok: ["✓", "good"], yes: ["✓", "good"], warn: ["!", "warn"], fail: ["✕", "bad"], no: ["✕", "bad"],
  skip: ["–", "quiet"], unknown: ["?", "warn"], crash: ["?", "warn"],
};

// A table with a header row. Cells are texts or nodes; a column is [heading, is it a number].
export function table(caption, columns, rows, kind = "stack") {
  const head = columns.map(([name, number]) => el("th", { scope: "col", cls: number && "number" }, name));
  const body = rows.map((cells) => el("tr", {}, ...cells.map((cell, at) => (at === 0
    ? el("th", { scope: "row" }, cell)
    : el("td", { cls: columns[at][1] && "number", "data-of": columns[at][0] }, cell)))));
  return el("div", { cls: "scroll", tabindex: kind === "stack" ? null : "0" },
    el("table", { cls: kind }, el("caption", { cls: "unseen" }, caption),
      el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body)));
}

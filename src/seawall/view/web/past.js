// What is on record: the last day, the week, causes, the plan, the settings.

import { by, clock, day, duration, el, many, percent, quiet, say, short, show, svg, table } from "./draw.js";

const HOUR = 3600e3;
const LEAST = 20; // below that many calls a cell is blank, not green: one that is tried twenty times in an outage is still one

export async function get(path) {
  const answer = await fetch(path, { headers: { accept: "application/json" }, credentials: "same-origin" });
  const value = await answer.json().catch(() => null);
  if (!answer.ok) throw Object.assign(new Error(value?.error?.message ?? `the gateway answered ${answer.status}`), { status: answer.status });
  return value;
}

// ---- the last day ----------------------------------------------------------------------------------------

export function drawDay(history, now) {
  const end = Math.ceil(now / HOUR) * HOUR, begin = end - 24 * HOUR;
  const hours = Array.from({ length: 24 }, () => [0, 0]);
  for (const row of history.hours ?? []) {
    const at = Math.floor((Date.parse(row.at) - begin) / HOUR);
    if (at >= 0 && at < 24) { hours[at][0] += row.attempts; hours[at][1] += row.failed; }
  }
  const episodes = (history.episodes ?? []).filter((one) => endOf(one, now) > begin).slice(0, 40);
  const attempts = hours.reduce((sum, [all]) => sum + all, 0), failed = hours.reduce((sum, [, bad]) => sum + bad, 0);
  say(by("day-count"), attempts ? `${many(attempts, "attempt")}, ${percent(failed / attempts)} failed · ${many(episodes.length, "episode")}` : "");
  show(by("day-body"), [hours, episodes, begin], () => (attempts || episodes.length
    ? [strip(hours, episodes, begin, now), scale(begin), buttons(episodes)] : quiet("No call is on record.")));
}

const endOf = (one, now) => (one.end === "open" ? now : Date.parse(one.closed_at ?? one.last_failure_at));

function strip(hours, episodes, begin, now) {
  const width = 960, height = 78, base = 64, most = Math.max(1, ...hours.map(([all]) => all));
  const said = `Attempts by hour and episodes, from ${clock(begin, false)} yesterday to now. ${many(episodes.length, "episode")}; they are listed below.`;
  const marks = hours.flatMap(([all, bad], at) => {
    const x = at * 40 + 3, tall = 58 * Math.sqrt(all / most), part = all ? tall * (bad / all) : 0, when = begin + at * HOUR;
    return [
      all ? svg("g", {}, svg("title", {}, `${clock(when, false)}: ${many(all, "attempt")}, ${bad} failed`),
        svg("rect", { cls: "track", x, y: base - 58, width: 34, height: 58, rx: 2 }),
        svg("rect", { cls: "fill-good", x, y: base - tall, width: 34, height: tall, rx: 2 }),
        bad ? svg("rect", { cls: "fill-bad", x, y: base - Math.max(2, part), width: 34, height: Math.max(2, part), rx: 2 }) : null)
        : svg("rect", { cls: "track", x, y: base - 2, width: 34, height: 2 })];
  });
  const spots = episodes.map((one) => {
    const from = Math.max(0, (Date.parse(one.opened_at) - begin) / HOUR * 40), to = (endOf(one, now) - begin) / HOUR * 40;
    return svg("rect", { cls: `spot${one.end === "open" ? " open" : ""}`, x: from, y: base + 3, width: Math.max(4, to - from), height: 8, rx: 2,
      on: { click: () => openEpisode(one) } }, svg("title", {}, titleOf(one)));
  });
  return svg("svg", { cls: "strip", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": said }, ...marks, ...spots);
}

function scale(begin) {
  return el("div", { cls: "scale", "aria-hidden": "true" }, ...Array.from({ length: 8 }, (_, at) => el("span", {}, clock(begin + at * 3 * HOUR, false))));
}

const titleOf = (one) => `${clock(one.opened_at, false)} ${one.cause}, ${one.end === "open" ? "for " : ""}${duration(one.lasted)}`;

function buttons(episodes) {
  return el("ul", { cls: "episodes", "aria-label": "Episodes of the last 24 hours" }, ...episodes.slice(0, 12).map((one) => el("li", {},
    el("button", { type: "button", id: `episode-${one.id}`, "aria-expanded": "false", "aria-controls": "episode", on: { click: () => openEpisode(one) } },
      el("span", { "aria-hidden": "true" }, one.end === "open" ? "! " : ""), titleOf(one)))));
}

const ENDS = { recovered: "ended with a success", open: "goes on", unseen: "its end was not seen" };

async function openEpisode(one) {
  const box = by("episode"), button = by(`episode-${one.id}`), was = button?.getAttribute("aria-expanded") === "true";
  for (const other of document.querySelectorAll(".episodes button")) other.setAttribute("aria-expanded", "false");
  if (was) { box.replaceChildren(); return; }
  button?.setAttribute("aria-expanded", "true");
  box.replaceChildren(quiet("Reading."));
  let whole = null;
  try { whole = await get(`/api/v1/episodes/${one.id}`); } catch (error) { box.replaceChildren(quiet(`No details: ${error.message}`)); return; }
  if (button?.getAttribute("aria-expanded") === "false") return; // another was opened meanwhile
  const attempts = whole.attempts ?? [], note = whole.episode?.note;
  box.replaceChildren(
    el("h3", {}, `Incident ${one.id}: ${one.cause}`),
    el("p", {}, `${day(one.opened_at)} ${clock(one.opened_at)} · ${duration(one.lasted)} · ${ENDS[one.end] ?? one.end} · ${many(one.calls, "call")} hit, ${one.given_up + one.broken} lost · ${one.families.join(", ")} · ${one.route}`),
    note ? el("p", {}, `Your note: ${note.text}`) : "",
    attempts.length ? table("Failed attempts of the episode", [["Time"], ["Call"], ["Attempt", true], ["Status", true], ["Held", true], ["Then"], ["Request id"]],
      attempts.slice(0, 50).map((row) => [clock(row.at), row.call, String(row.number), row.status === null ? "–" : String(row.status), duration(row.held), row.ended, row.request_id ?? "–"])) : "");
}

// ---- the week --------------------------------------------------------------------------------------------

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const SHARES = { steps: [0.01, 0.03, 0.06], words: ["under 1 %", "1–3 %", "3–6 %", "over 6 %"], of: "attempt", least: "call" };
// Each view: its cells (of how many, which figure), where its steps lie, and how a cell is said.
const VIEWS = {
  failures: { ...SHARES, said: (share) => `${percent(share)} failed`,
    cells: (history) => shares(history, history.hours.map((row) => [local(row.at, row.utc_offset), row.failed])) },
  latency: { steps: [2, 5, 10], words: ["under 2 s", "2–5 s", "5–10 s", "over 10 s"], of: "answer", least: "answer", said: (seconds) => `half began within ${short(seconds)}`,
    cells: (history) => grid(history.latency?.by_hour ?? [], (row) => [row.weekday, row.hour], (row) => [row.answers, row.p50, row.answers]) },
  // Episodes of a limit are short: all attempts of one are counted in the hour in which it began.
  limits: { ...SHARES, said: (share) => `${percent(share)} stopped by a limit of yours`,
    cells: (history) => shares(history, history.episodes.filter((one) => one.cause.startsWith("limit.")).map((one) => [local(one.opened_at, one.utc_offset), one.attempts])) },
};
// By the wall clock at the time, so that daylight saving does not smear.
const local = (at, offset) => { const time = new Date(Date.parse(at) + offset * 60e3); return [(time.getUTCDay() + 6) % 7, time.getUTCHours()]; };
const GLYPHS = [".", "-", "+", "#"];
let view = "failures";

export function drawWeek(history) {
  const hours = history.hours ?? [], episodes = history.episodes ?? [], answers = history.latency?.answers ?? 0;
  show(by("week-body"), [hours.length, hours.at(-1), episodes.length, answers, view, history.busiest, history.quietest], () => (hours.length
    ? [choice(history), heat({ ...history, hours, episodes }), legend(history)] : quiet("No call is on record.")));
}

// Seven days of 24 cells, each [of how many, the figure, of how many that count for whether it is shown].
function grid(rows, place, value) {
  const cells = Array.from({ length: 7 }, () => Array.from({ length: 24 }, () => [0, 0, 0]));
  for (const row of rows) { const [at, hour] = place(row); cells[at][hour] = value(row, cells[at][hour]); }
  return cells;
}

function shares(history, counted) {
  const cells = grid(history.hours, (row) => local(row.at, row.utc_offset), (row, [all, , calls]) => [all + row.attempts, 0, calls + row.calls]);
  for (const [[at, hour], count] of counted) cells[at][hour][1] += count;
  return cells.map((hours) => hours.map(([all, bad, calls]) => [all, all ? Math.min(1, bad / all) : 0, calls]));
}

function choice(history) {
  return el("fieldset", { cls: "switch" }, el("legend", {}, "Show"), ...Object.keys(VIEWS).map((name) => el("label", {},
    el("input", { type: "radio", name: "week", id: `week-${name}`, value: name, checked: name === view, on: { change: () => { view = name; drawWeek(history); } } }), name)));
}

function heat(history) {
  const { said, steps, of, least } = VIEWS[view], cells = VIEWS[view].cells(history);
  const head = el("tr", {}, el("th", { scope: "col" }, el("span", { cls: "unseen" }, "Day")), ...Array.from({ length: 24 }, (_, hour) => el("th", { scope: "col" },
    hour % 3 ? el("span", { cls: "unseen" }, String(hour)) : String(hour).padStart(2, "0"))));
  const body = cells.map((hours, at) => el("tr", {}, el("th", { scope: "row" }, DAYS[at]), ...hours.map(([all, figure, known]) => {
    if (known < LEAST) return el("td", { title: known ? `${many(known, least)}: too few` : null }, el("span", { cls: "unseen" }, "too few"));
    const level = steps.filter((step) => figure >= step).length, text = `${said(figure)}, ${many(all, of)}`;
    return el("td", { cls: `h${level + 1}`, title: text }, el("span", { "aria-hidden": "true" }, GLYPHS[level]), el("span", { cls: "unseen" }, text));
  })));
  return el("div", { cls: "scroll", tabindex: "0", role: "group", "aria-label": "Heat map, hour by weekday" }, el("table", { cls: "heat" }, el("caption", { cls: "unseen" }, `${view} by hour and weekday, local time`), el("thead", {}, head), el("tbody", {}, ...body)));
}

function legend(history) {
  const { words, least } = VIEWS[view];
  const ends = view === "latency" ? " From a request to the first content of its answer, by the upstream alone."
    : view !== "failures" ? "" : history.busiest && history.quietest
      ? ` Busiest: ${slot(history.busiest)}. Quietest you use: ${slot(history.quietest)}.` : " No clear pattern yet.";
  return el("p", { cls: "legend" }, ...words.map((word, at) => el("span", { cls: "step" }, el("b", { cls: `h${at + 1}`, "aria-hidden": "true" }, GLYPHS[at]), ` ${word}`)),
    `blank: under ${LEAST} ${least}s.`, ends);
}

function slot(one) {
  const hours = `${one.hour}–${one.hour + 1} h, ${percent(one.failed / one.attempts)}`;
  return one.weekday === null || one.weekday === undefined ? hours : `${DAYS[one.weekday]} ${hours}`;
}

// ---- causes, plan, settings ------------------------------------------------------------------------------

// A number and its unit stay on one line: the table breaks between them, so that its last column is there.
const length = (seconds) => (seconds === null || seconds === undefined ? "–" : duration(seconds).replaceAll(/(\d) /g, "$1\u00a0"));

// A code that is too long for its column is broken at its own joints.
const joints = (code) => el("span", {}, ...code.split(/(?<=[._])/).flatMap((part) => [part, el("wbr")]));

export function drawCauses(history) {
  const causes = history.causes ?? [];
  const saved = history.held_and_recovered, lost = history.lost;
  say(by("causes-count"), history.episodes?.length ? String(history.episodes.length) : "");
  show(by("causes-body"), [causes, saved, lost], () => [
    causes.length ? table("Episodes by cause", [["Cause"], ["Episodes", true], ["Calls hit", true], ["Half over in", true], ["9 of 10 in", true], ["Mean", true], ["Longest", true]],
      causes.map((one) => [joints(one.cause), String(one.episodes), String(one.calls), length(one.p50), length(one.p90), length(one.mean), `${one.longest_ended ? "" : "over "}${length(one.longest)}`])) : quiet("No episode is on record."),
    saved?.calls ? el("p", { cls: "legend" }, `Held and saved: ${many(saved.calls, "call")}, ${duration(saved.waited)} of waiting.`) : "",
    lost && lost.given_up + lost.broken ? el("p", { cls: "legend" }, `Lost: ${many(lost.given_up + lost.broken, "call")} (${lost.broken} cut in mid-answer, ${lost.given_up} given up).`) : ""]);
}

// As the terminal says it: much on record without a pattern is another thing than too little.
function unplanned(plan) {
  const seen = `(${many(plan.days, "day")}, ${many(plan.calls, "call")})`;
  return plan.known_hours ? `No clear pattern yet ${seen}: no hour of yours is surely better than another.` : `Too little is on record to say when ${seen}.`;
}

export function drawPlan(plan) {
  const when = (one) => `${day(one.start)} ${clock(one.start, false)}–${clock(one.end, false)}`;
  show(by("plan-body"), plan, () => [
    plan.best.length ? table("Quiet windows", [["When"], ["Failures", true], ["Calls", true]], plan.best.map((one) => [when(one), percent(one.share), String(one.calls)]))
      : quiet(unplanned(plan)),
    plan.avoid ? el("p", { cls: "legend" }, `Avoid: ${when(plan.avoid)}, ${percent(plan.avoid.share)} failures.`) : "",
    ...plan.move.slice(0, 3).map((one) => el("p", { cls: "legend" }, `Move ${one.client} at ${one.hour} h ${one.to === "batch" ? "to a batch" : one.window ? `to ${when(one.window)}` : "off-peak"}.`)),
    ...plan.stagger.slice(0, 2).map((one) => el("p", { cls: "legend" }, `Stagger: ${many(one.calls, "run")} started within ${duration(one.within)} at ${one.at}; ${duration(one.apart)} apart is better.`)),
    ...(plan.basis === "own" ? [] : plan.claims.map((one) => el("p", { cls: "legend" },
      `Claimed, not measured: busy ${one.days} ${one.hours} h ${one.tz} (${[one.source, one.date, one.withdrawn && `withdrawn ${one.withdrawn}`].filter(Boolean).join(", ")}).`)))]);
}

export function drawSettings(config) {
  const values = Object.entries(config.values ?? {}), own = values.filter(([, one]) => one.source !== "default");
  const text = (value) => (typeof value === "string" ? value || "–" : JSON.stringify(value));
  show(by("settings-own"), own, () => (own.length ? el("p", { cls: "own" }, el("span", { cls: "quiet" }, "Set by you:"), ...own.map(([key, one]) => el("span", {}, el("code", {}, key), ` ${text(one.value)}`))) : quiet("Everything is at its default.")));
  show(by("settings-body"), values, () => table("Settings in force", [["Setting"], ["Value"], ["From"]], values.map(([key, one]) => [el("code", {}, key), text(one.value), one.source])));
}

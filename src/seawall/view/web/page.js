// The page: listens to the gateway's events, asks for what is on record, explains what is pasted.

import { by, el, quiet, say } from "./draw.js";
import { dont, drawGates, drawHeld, drawLanes, drawModels, drawPath, drawVerdict, rows, sideOf, situation, step } from "./live.js";
import { drawCauses, drawDay, drawPlan, drawSettings, drawWeek, get } from "./past.js";

const seen = { status: null, measured: null, causes: {}, open: [], episodes: [], history: null, lost: 0 };
const SILENT = 25e3; // the gateway says something every 10 s
const ASK_EVERY = 10e3;
const RECORD_EVERY = 120e3;
const MEASURE_EVERY = 120e3;
const MOST_TEXT = 1 << 20;
const KEY_NOTE = "The text held a key. It was masked. If you posted it elsewhere, revoke it.";
let heardAt = 0, over = false, gone = false, again = false, events = null, asking = 0;

// ---- what the gateway tells ------------------------------------------------------------------------------

// A browser opens six connections to one address. A page that is behind another gives its own back and asks now and
// then: else the seventh page, and the questions of the sixth, would wait for ever.
function attend() {
  events?.close();
  clearInterval(asking);
  if (document.hidden) asking = setInterval(ask, ASK_EVERY);
  else listen();
}

async function ask() {
  try { const status = await get("/api/v1/status"); heard(); told(status); } catch (error) {
    if (error.status === 401) location.reload(); // its cookie is good no more: what comes then says how to get in again
    else if (!error.status) lost();
  }
}

function listen() {
  const source = events = new EventSource("/api/v1/events");
  const on = (name, act) => source.addEventListener(name, (event) => { heard(); act?.(event.data); });
  on("status", (data) => told(JSON.parse(data)));
  on("rates", (data) => drawModels(JSON.parse(data)));
  on("same");
  on("leaving", () => { over = true; connection(); });
  source.addEventListener("error", () => {
    if (source !== events) return;
    if (source.readyState !== EventSource.CLOSED) { lost(); return; }
    // It answers, but not with events: it has as many listeners as it takes, or lets this browser in no more.
    ask();
    setTimeout(() => { if (source === events && !document.hidden) listen(); }, 5000);
  });
}

function heard() {
  heardAt = Date.now();
  over = gone = false;
}

function lost() {
  gone = true;
  connection();
  draw();
}

function told(status) {
  const before = seen.status;
  seen.status = status;
  say(by("gateway"), `to ${status.upstream}`);
  connection();
  drawHeld(status);
  drawLanes(status);
  draw();
  announce(before, status);
  if (status.cause && status.cause !== before?.cause) begun(status.cause);
  if (before?.cause && !status.cause) ended();
}

function draw() {
  const now = Date.now();
  drawVerdict(seen, now);
  drawGates(seen, now);
  title();
}

function title() {
  const { status } = seen;
  const text = seen.lost ? "(?) Seawall" : status?.held ? `(${status.held} held) Seawall` : status?.cause ? "(!) Seawall" : "Seawall";
  if (document.title !== text) document.title = text;
}

function connection() {
  const box = by("link"), live = Date.now() - heardAt < SILENT && !over && !gone;
  const words = over ? "the gateway has left" : live ? "live" : heardAt ? "no word from the gateway; what is shown is old" : "connecting";
  seen.lost = heardAt && !live ? heardAt : 0;
  say(box.querySelector(".words"), words);
  say(box.querySelector(".mark"), live ? "●" : "✕");
  box.className = `link ${live ? "good fresh" : "bad"}`;
}

// Only what changes is said aloud, not every second's figures.
function announce(before, status) {
  const found = situation(seen, Date.now());
  const now = found?.kind === "trouble" ? `${sideOf(found)}: ${found.title}. ${status.held} held.` : "";
  if (now && (!before?.cause || before.cause !== status.cause)) say(by("announce"), now);
  else if (!now && before?.cause) say(by("announce"), "It is over. Nothing is held.");
}

async function begun(code) {
  setTimeout(() => measure(true), 4e3); // its first failures are on record then, and say more than the path alone
  record();
  if (!seen.causes[code]) {
    try { seen.causes[code] = (await get(`/api/v1/explain?code=${encodeURIComponent(code)}`)).cause; draw(); } catch { /* the code itself is shown */ }
  }
}

function ended() {
  measure(true);
  setTimeout(record, 8000); // its last rows are written within some seconds
}

// ---- what is measured and what is on record --------------------------------------------------------------

async function measure(anew) {
  const button = by("measure");
  if (button.disabled) { again ||= anew; return; } // what is measured now may be of a moment ago: once more when it is done
  button.disabled = true;
  button.textContent = "Measuring";
  try {
    seen.measured = await get(anew ? "/api/v1/doctor" : "/api/v1/verdict");
    drawPath(seen.measured);
    draw();
  } catch (error) {
    by("path-body").replaceChildren(quiet(`Not measured: ${error.message}`));
  }
  button.disabled = false;
  button.textContent = "Measure now";
  if (again) { again = false; measure(true); }
}

async function record() {
  try {
    const history = await get("/api/v1/history");
    seen.history = history;
    seen.episodes = [...(history.episodes ?? [])].sort((a, b) => b.opened_at.localeCompare(a.opened_at));
    const named = new Map(seen.episodes.map((one) => [one.id, one.cause]));
    seen.open = (history.open ?? []).map((one) => ({ ...one, cause: named.get(one.id) }));
    drawDay({ ...history, episodes: seen.episodes }, Date.now());
    drawWeek(history);
    drawCauses(history);
    draw();
  } catch (error) {
    for (const id of ["day-body", "week-body", "causes-body"]) if (!seen.history) by(id).replaceChildren(quiet(`No records: ${error.message}`));
    if (!seen.history) setTimeout(record, 10e3); // a store that is new, or being brought up to date
  }
}

async function rest() {
  try { drawSettings(await get("/api/v1/config")); } catch (error) { by("settings-body").replaceChildren(quiet(error.message)); }
  try { drawPlan(await get("/api/v1/plan")); } catch (error) { by("plan-body").replaceChildren(quiet(`No plan: ${error.message}`)); }
}

// ---- the paste box ---------------------------------------------------------------------------------------

async function explain(event) {
  event.preventDefault();
  const text = by("paste-text").value, box = by("paste-answer"), button = by("paste").querySelector("button");
  if (!text.trim()) { box.replaceChildren(quiet("There is no text to explain.")); return; }
  if (new Blob([text]).size > MOST_TEXT) { box.replaceChildren(quiet("That is more than 1 MB. Its last lines will do.")); return; }
  button.disabled = true;
  try {
    const answer = await fetch("/api/v1/explain", { method: "POST", body: text, credentials: "same-origin", headers: { "content-type": "text/plain" } });
    const value = await answer.json();
    box.replaceChildren(...(answer.ok ? explained(value) : [quiet(value.error?.message ?? "No answer.")]));
  } catch { box.replaceChildren(quiet("The gateway does not answer.")); }
  button.disabled = false;
}

function explained(value) {
  const v = value.verdict, code = v.cause;
  return [
    el("h3", {}, `${sideOf(v)} — ${v.title}`),
    el("dl", { cls: "rows" }, ...rows([
      ["Meaning", [v.meaning]], ["Do now", (v.do ?? []).slice(0, 3).map(step)],
      ["Don't", (v.dont ?? []).slice(0, 3).map(dont)],
      ["Read as", [`${code} · ${v.confidence} · from your text only`]]])),
    value.read?.held_key ? el("p", { cls: "note", role: "note" }, KEY_NOTE) : "",
  ].filter(Boolean);
}

// ---- start -----------------------------------------------------------------------------------------------

by("paste").addEventListener("submit", explain);
by("paste-text").addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) by("paste").requestSubmit(); });
by("measure").addEventListener("click", () => measure(true));
addEventListener("beforeprint", () => { by("settings-all").open = false; });
document.addEventListener("visibilitychange", attend);
attend();
measure(false);
record();
rest();
setInterval(() => { connection(); draw(); }, 1000);
setInterval(() => { if (!document.hidden) record(); }, RECORD_EVERY);
setInterval(() => { if (!document.hidden && seen.status?.cause) measure(false); }, MEASURE_EVERY);

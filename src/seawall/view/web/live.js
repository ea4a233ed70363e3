// What changes by the second: the verdict, what is held, models, lanes, the path, the gates.

import { bar, by, clock, compact, duration, el, many, mark, percent, quiet, say, short, show, soon, svg, table } from "./draw.js";

// As `view/explanation.py` has them; a test compares the two.
export const PARTIES = {
  provider: "Anthropic's side", limit: "Your plan or limits", account: "Your account or key", request: "Your request",
  network: "Your network", machine: "This machine", gateway: "A gateway on the way", seawall: "Seawall itself",
  unrelated: "Not a Claude call", unknown: "Not known yet",
};
const MOST = 3;

// Whose side it is. Of live trouble and of what was measured the gateway says it: the service goes by who answers there.
export const sideOf = (found) => found.side ?? PARTIES[found.party] ?? PARTIES.unknown;

const lower = (text) => (/^[A-Z][a-z]/.test(text) && !/^(Anthropic|Claude|Cloudflare|Seawall)/.test(text)
  ? text[0].toLowerCase() + text.slice(1) : text);
const stop = (text) => (/[.!?]$/.test(text) ? text : `${text}.`);

// ---- the verdict -----------------------------------------------------------------------------------------

// Facts to one value: what the block says. `seen` holds what the page knows: status, measured, causes, open episodes.
export function situation(seen, now) {
  const status = seen.status, measured = seen.measured;
  if (!status) return null;
  if (seen.lost) return silent(status, seen.lost);
  const fresh = measured && now - Date.parse(measured.generated_at) < 10 * 60e3 ? measured : null;
  // A call that went through since tells more than what was measured before it.
  const disproved = fresh && (status.succeeded_at ?? 0) * 1000 > Date.parse(fresh.generated_at);
  const said = fresh && !fresh.ok && !(disproved && !status.cause) ? fresh : null;
  if (status.cause) {
    // What the gateway lives through outranks what was measured once, unless both name the same cause.
    const same = said && said.verdict.cause === status.cause ? said : null;
    const cause = seen.causes[status.cause];
    const at = typeof status.since === "number" ? status.since * 1000 : null;
    return {
      kind: "trouble", code: status.cause, party: status.party ?? "unknown", side: status.side, since: at, held: status.held,
      title: same?.verdict.title ?? cause?.title ?? status.cause, confidence: same?.verdict.confidence ?? "",
      steps: same?.verdict.do ?? cause?.do ?? [], dont: same?.verdict.dont ?? cause?.dont ?? [],
      evidence: evidenceOf(status, same), wait: cause?.wait ?? "", escalate: same?.escalate ?? null,
      escalateText: same?.verdict.escalate ?? cause?.escalate ?? "", also: same?.verdict.also ?? [],
      open: merged(seen.open.find((one) => one.cause === status.cause), outlook(same)),
    };
  }
  if (said) {
    const v = said.verdict;
    return {
      kind: "measured", code: v.cause, party: v.party ?? "unknown", side: v.side, since: null, held: status.held, title: v.title,
      confidence: v.confidence, steps: v.decides ? [{ text: `One measurement decides. ${v.decides}` }] : v.do,
      dont: v.dont, evidence: v.evidence, wait: "", escalate: said.escalate ?? null, escalateText: v.escalate ?? "",
      also: v.also ?? [], open: outlook(said),
    };
  }
  return { kind: "calm", measured: Boolean(fresh?.ok), status };
}

// Nobody answers at the gateway's address: what it held is not safe any more, and no network is at fault.
function silent(status, at) {
  return {
    kind: "lost", code: "machine.dead_base_url", party: "machine", since: at, held: 0, confidence: "",
    title: `The gateway at ${location.host} does not answer`,
    steps: [{ text: "Start it again; this page goes on by itself then." }, { text: "Or send Claude Code straight to the API:", command: "seawall off" }],
    dont: [{ text: "Look for a network fault", reason: "calls that are sent there do not leave this machine" }],
    evidence: [{ direction: "for", text: `Last heard at ${clock(at)}${status.held ? `, when it held ${many(status.held, "call")}` : ""}` }],
    wait: "", escalate: null, escalateText: "never for this cause", also: [], open: null,
  };
}

const merged = (recorded, measured) => (recorded ? { ...measured, ...recorded } : measured);

// What the doctor says of the episode and of what is to be expected, in the form that history has it in.
function outlook(measured) {
  if (!measured?.episode && !measured?.outlook) return null;
  const { basis, text, ...figures } = measured.outlook ?? {};
  return { id: measured.episode?.id ?? "", n: 0, text, ...(basis === "own" ? figures : {}) };
}

function evidenceOf(status, measured) {
  const lines = [];
  const lanes = (status.lanes ?? []).filter((lane) => lane.state !== "calm");
  for (const lane of lanes.slice(0, 3)) {
    if (lane.refused_share > 0) {
      lines.push({ direction: "for", text: `${percent(lane.refused_share)} of ${lane.family || "all"} attempts were refused lately` });
    }
  }
  return [...(measured?.verdict.evidence ?? []), ...lines];
}

export function drawVerdict(seen, now) {
  const found = situation(seen, now), block = by("verdict");
  if (!found) return;
  const tone = found.kind === "calm" ? "good" : found.party === "provider" || found.party === "limit" ? "warn" : "bad";
  block.className = `card verdict is-${tone}`;
  if (found.kind === "calm") return drawCalm(found, seen);
  const party = sideOf(found);
  show(by("verdict-title"), [party, found.title, tone], () => [
    el("span", { cls: `mark ${tone}`, "aria-hidden": "true" }, tone === "warn" ? "!" : "✕"),
    el("span", { cls: tone }, party), ` — ${stop(lower(found.title))}`]);
  say(by("verdict-age"), [found.since ? duration((now - found.since) / 1000) : "", found.confidence].filter(Boolean).join(" · "));
  say(by("verdict-action"), found.held
    ? `Seawall is holding ${many(found.held, "call")} for you. Nothing is lost; leave the window open.` : "");
  drawOutlook(found, now);
  show(by("verdict-rows"), [found.steps, found.dont, found.evidence, found.open, found.escalate, found.escalateText,
    found.also], () => rows([
    ["Do now", found.steps.slice(0, MOST).map(step)],
    ["Don't", found.dont.slice(0, MOST).map(dont)],
    ["Evidence", found.evidence.slice(0, 6).map(sign)],
    ["History", [history(found.open, found.wait)]],
    ["Escalate", [found.escalate?.text || (found.escalateText && stop(found.escalateText))]],
    ["Also seen", [found.also.join(", ")]],
  ]));
  say(by("verdict-code"), [found.open?.id && `incident ${found.open.id}`, found.code].filter(Boolean).join(" · "));
}

function drawCalm(found, seen) {
  const { status } = found;
  const title = seen.measured && found.measured ? "All clear — Claude calls should work from here." : "Nothing is held, nothing fails.";
  show(by("verdict-title"), title, () => [el("span", { cls: "mark good", "aria-hidden": "true" }, "✓"), title]);
  say(by("verdict-age"), "");
  say(by("verdict-action"), status.draining ? "The gateway is leaving; calls that run may finish." : "");
  by("verdict-bar").hidden = true;
  const calls = [many(status.calls ?? 0, "call"), `${status.recovered ?? 0} saved by holding`, `${status.lost ?? 0} lost`];
  const last = seen.episodes[0];
  show(by("verdict-rows"), [calls, status.running, last?.id], () => rows([
    ["Now", [`${many(status.running ?? 0, "call")} under way`]],
    ["Since start", [calls.join(" · ")]],
    ["Last incident", [last && `${day24(last.opened_at)} ${last.cause}, ${duration(last.lasted)}`]],
  ]));
  say(by("verdict-code"), found.measured ? `measured ${clock(seen.measured.generated_at)}` : "");
}

const day24 = (at) => `${new Date(at).toLocaleDateString([], { day: "numeric", month: "short" })} ${clock(at, false)}`;

function drawOutlook(found, now) {
  const box = by("verdict-bar"), usual = found.open?.p75;
  box.hidden = !(usual && found.since);
  if (box.hidden) return;
  const age = (now - found.since) / 1000, over = age > usual;
  show(box, [Math.floor(age), usual], () => [
    svg("svg", { viewBox: "0 0 400 10", preserveAspectRatio: "none", "aria-hidden": "true" },
      svg("rect", { cls: "track", width: 400, height: 10, rx: 3 }),
      svg("rect", { cls: over ? "fill-warn" : "fill-accent", width: 400 * Math.min(1, age / usual), height: 10, rx: 3 })),
    el("span", {}, over ? `longer than 3 of 4 (${duration(usual)})` : `3 of 4 are over by ${duration(usual)}`)]);
}

function history(open, wait) {
  if (open?.text) return open.text;
  if (open?.p50 && open.n >= 8) {
    return `${many(open.n, "such episode")}; half over in ${duration(open.p50)}${open.p90 ? `, 9 of 10 in ${duration(open.p90)}` : ""}`;
  }
  return wait;
}

export function rows(given) {
  return given.map(([name, lines]) => [name, lines.filter(Boolean)]).filter(([, lines]) => lines.length)
    .flatMap(([name, lines]) => [el("dt", {}, name), el("dd", {}, ...lines.map((line) => el("div", {}, line)))]);
}

function step(one) {
  const said = !one.command || one.text.includes(one.command);
  return el("span", {}, one.text, said ? "" : " ", said ? "" : el("code", {}, one.command),
    one.costs_money ? " (costs money)" : "");
}

function dont(one) {
  return one.reason ? `${one.text}${/[.!?]$/.test(one.text) ? " " : ": "}${one.reason}` : one.text;
}

export { dont, step };

const SIGNS = { for: ["+", "supports"], against: ["−", "speaks against"], neutral: ["·", "neutral"] };
function sign(one) {
  const [glyph, words] = SIGNS[one.direction] ?? SIGNS.neutral;
  return el("span", {}, el("span", { cls: "mark", "aria-hidden": "true" }, glyph), el("span", { cls: "unseen" }, `${words}: `), one.text);
}

// ---- what is held ----------------------------------------------------------------------------------------

export function drawHeld(status) {
  const calls = status.waiting ?? [], more = status.waiting_more ?? 0;
  const behind = status.untried ?? Math.max(0, calls.length + more - (status.held ?? 0));
  say(by("held-count"), calls.length + more ? `${status.held} held${behind ? `, ${behind} more wait` : ""}` : "");
  show(by("held-body"), [calls, more, status.held], () => {
    if (!calls.length) return quiet(status.held ? `${many(status.held, "call")} held, an attempt under way for each.` : "Nothing is held.");
    const body = calls.map((call) => [
      [call.client, call.agent].filter(Boolean).join(" ") || call.id,
      call.family || "–",
      duration(call.waited ?? 0),
      call.attempt > 1 ? `attempt ${call.attempt}` : "not tried yet",
      call.next_in === null || call.next_in === undefined ? "after others" : soon(call.next_in),
      el("span", {}, call.why || call.cause || "", el("span", { cls: "sub" }, [call.cause, call.id].filter(Boolean).join(" · "))),
    ]);
    return [table("Calls that wait, the longest first",
      [["Who"], ["Model"], ["Waited", true], ["Attempt", true], ["Next try", true], ["Why"]], body),
    more ? quiet(`and ${more} more`) : ""];
  });
}

// ---- models, lanes ---------------------------------------------------------------------------------------

export function drawModels(rates) {
  const models = rates.models ?? [];
  show(by("models-body"), models, () => (models.length ? table("Success share and time to first content, by model and route",
    [["Model"], ["5 min"], ["60 min"], ["24 h"]],
    models.map((one) => [
      el("span", {}, one.family || "other", el("span", { cls: "sub" }, one.route)), ...one.windows.map(span)]))
    : quiet("No call has come yet.")));
}

function span(window) {
  if (!window.attempts) return el("span", { cls: "quiet" }, "no calls");
  const share = window.succeeded / window.attempts;
  const part = window.covered < window.seconds * 0.9 ? `, since ${window.covered < 60 ? "the start" : duration(window.covered)}` : "";
  return el("span", {},
    el("span", { cls: "share" }, bar(share, share >= 0.97 ? "good" : share >= 0.8 ? "warn" : "bad"), percent(share)),
    el("span", { cls: "sub" }, `${window.succeeded} of ${many(window.attempts, "attempt")}${part}`),
    window.p50 === null ? "" : el("span", { cls: "sub" }, `half in ${short(window.p50)}, 9 of 10 in ${short(window.p90)}`));
}

const STATES = {
  calm: ["ok", "calm"], limited: ["warn", "own limit"], strained: ["warn", "refusals"], own: ["warn", "our own load"], foreign: ["warn", "not our load"], outage: ["fail", "outage"],
};

export function drawLanes(status) {
  const lanes = status.lanes ?? [];
  show(by("lanes-body"), lanes, () => (lanes.length ? table("Lanes: what runs, what waits, and why",
    [["Lane"], ["State"], ["Running", true], ["Queued", true], ["Limit", true], ["Next"], ["Limits told by the API"]],
    lanes.map((lane) => {
      const [state, words] = STATES[lane.state] ?? ["unknown", lane.state];
      return [
        el("span", {}, lane.family || "any model", el("span", { cls: "sub" }, `${lane.upstream} ${lane.account.slice(0, 8)}`)),
        el("span", {}, mark(state), words, el("span", { cls: "sub" }, breaker(lane))),
        `${lane.running}${lane.pending ? ` + ${lane.pending}` : ""}`,
        String(lane.queued),
        lane.limit === null ? "none" : String(lane.limit),
        lane.next_attempt_in === null ? "–" : el("span", {}, soon(lane.next_attempt_in), el("span", { cls: "sub" }, lane.why)),
        limits(lane)];
    })) : quiet("No lane is in use.")));
}

function breaker(lane) {
  if (lane.breaker === "open") return `breaker open${lane.probe_in === null ? "" : `, probe ${soon(lane.probe_in)}`}`;
  return lane.refused_share ? `${percent(lane.refused_share)} refused lately` : "";
}

function limits(lane) {
  const lines = lane.buckets.map((one) => `${one.name.replaceAll("-", " ")}: ${compact(one.left)} of ${compact(one.limit)} left`);
  for (const one of lane.plan) {
    lines.push(`plan ${one.window}: ${one.used === null ? "" : `${percent(one.used)} used`}${one.resets_in === null ? "" : `, resets ${soon(one.resets_in)}`}`);
  }
  return lines.length ? el("span", {}, ...lines.map((line) => el("span", { cls: "sub" }, line))) : el("span", { cls: "quiet" }, "none told");
}

// ---- the path --------------------------------------------------------------------------------------------

// Hops in the order of a call's way, each with the checks that measure it.
const HOPS = [
  ["This machine", ["net.link", "local.gateway", "local.clock"]], ["Proxy", ["net.proxy", "net.captive"]], ["Name", ["net.dns"]],
  ["Connection", ["net.tcp4", "net.tcp6"]], ["TLS", ["tls.chain"]], ["API", ["api.edge", "api.path"]],
  ["Status page", ["status.page"]], ["Another host", ["net.control"]],
];
const WORST = ["fail", "crash", "warn", "unknown", "ok", "skip"];
const WORDS = { ok: "fine", warn: "noticed", fail: "fails", skip: "not run", unknown: "not known", crash: "not known" };
const TONE = { ok: "good", warn: "warn", fail: "bad", skip: "", unknown: "warn", crash: "warn" };

export function drawPath(measured) {
  const checks = new Map((measured.checks ?? []).map((one) => [one.id, one]));
  const hops = HOPS.map(([name, ids]) => [name, ids.map((id) => checks.get(id)).filter(Boolean)]).filter(([, found]) => found.length);
  say(by("path-when"), `measured ${clock(measured.generated_at)}`);
  show(by("path-body"), hops.map(([name, found]) => [name, found.map((one) => [one.state, one.summary, one.took])]), () => (hops.length
    ? el("ol", { cls: "hops" }, ...hops.map(hop)) : quiet("No check of the path could be run.")));
}

function hop([name, found]) {
  const worst = found.reduce((a, b) => (WORST.indexOf(a.state) <= WORST.indexOf(b.state) ? a : b));
  const took = worst.facts?.seconds ?? worst.facts?.first_byte;
  return el("li", { cls: TONE[worst.state] }, el("span", { cls: "what" }, mark(worst.state), name),
    el("span", {}, `${WORDS[worst.state] ?? worst.state}${worst.state === "ok" && took ? `, ${short(took)}` : ""}`),
    el("span", { cls: "sub" }, worst.summary));
}

// ---- escalation ------------------------------------------------------------------------------------------

const NAMES = { time: "time", page: "status page", network: "network", account: "account", basics: "basics", others: "others" };

export function drawGates(seen, now) {
  const found = situation(seen, now), escalate = found?.escalate ?? null;
  const text = !found || found.kind === "calm" ? "Nothing to escalate." : escalate?.text ?? found.escalateText;
  const opens = escalate?.opens_at ? Date.parse(escalate.opens_at) : null;
  const left = opens ? Math.max(0, Math.round((opens - now) / 1000)) : null;
  const id = found?.open?.id ?? "";
  show(by("gates-body"), [text, escalate, left, id, found?.kind], () => [
    el("p", {}, text ? stop(text[0].toUpperCase() + text.slice(1)) : "Not known yet."),
    left === null ? "" : el("p", { cls: "quiet" }, left ? `The time gate opens at ${clock(opens)}, in ${duration(left)}.` : "The time gate is open."),
    escalate?.gates?.length ? el("ul", { cls: "gates" }, ...escalate.gates.map((gate) => el("li", {}, mark(gate.state === "yes" ? "yes" : gate.state === "no" ? "no" : "unknown"),
      el("strong", {}, NAMES[gate.id] ?? gate.id), ` ${gate.text ?? ""} `, el("span", { cls: "unseen" }, gate.state === "yes" ? "met" : gate.state === "no" ? "not met" : "not known")))) : "",
    escalate?.gates?.some((gate) => gate.text?.includes("press ")) ? el("p", { cls: "legend" }, "The keys are those of ", el("code", {}, "seawall watch"), ".") : "",
    found && found.kind !== "calm" ? report(id) : ""]);
}

function report(id) {
  const command = `seawall report${id ? ` ${id}` : ""}`;
  return el("p", { cls: "foot" }, el("code", {}, command), el("button", {
    type: "button", id: "report", on: {
      click: async (event) => {
        const button = event.currentTarget;
        try { await navigator.clipboard.writeText(command); button.textContent = "Copied"; } catch { button.textContent = "Select it and copy"; }
      },
    },
  }, "Copy the report command"));
}

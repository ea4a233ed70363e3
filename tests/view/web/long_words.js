// Draws everything with words that have no end, and names what is wider than its place.
async () => {
  const live = await import('/seawall/live.js'), past = await import('/seawall/past.js');
  const word = 'unbroken'.repeat(30), said = 'a sentence with ' + word + ' in it', at = new Date().toISOString();
  const cause = 'account.invalid_credentials_unspecified';
  const episode = {id: '7f3a', cause, opened_at: at, end: 'open', lasted: 7777, attempts: 3, calls: 2};
  document.getElementById('gateway').textContent = 'to https://' + word;
  live.drawVerdict({causes: {}, open: [], episodes: [], history: null, status: {upstream: word, lanes: [], cause, party: 'account', since: 1, held: 2}, measured: {
    schema: 'seawall.verdict/1', ok: false, generated_at: at, verdict: {cause, party: 'account', title: said, meaning: said,
      confidence: 'certain', also: [word], do: [{text: said, command: word}], dont: [{text: said, reason: word}],
      evidence: [{direction: 'for', text: word, check: 'x', at}]}, checks: [], escalate: null}}, Date.now());
  live.drawHeld({held: 1, waiting: [{client: word, agent: word, family: word, why: said, cause: word, id: word, attempt: 3,
    waited: 40000, next_in: 40000}]});
  live.drawLanes({lanes: [{upstream: word, account: word, family: word, running: 1, queued: 100000, limit: 1.5, state: 'open',
    breaker: 'open', pending: 1, buckets: [{name: word, left: 1, limit: 2}], plan: [], why: said, next_attempt_in: 3, probe_in: 3, rate: 1, refused_share: 0.5}]});
  live.drawModels({models: [{route: word, family: word, windows: [300, 3600, 86400].map((seconds) => ({seconds, covered: seconds,
    attempts: 234567, succeeded: 123456, p50: 11.1, p90: 88.8}))}]});
  live.drawPath({generated_at: at, checks: ['net.dns', 'net.tcp4', 'tls.chain', 'api.edge', 'status.page'].map((id) => ({id, state: 'fail', summary: said}))});
  past.drawDay({hours: [{at, attempts: 30, failed: 3, utc_offset: 0}], episodes: [{...episode, cause: word}]}, Date.now());
  past.drawCauses({episodes: [episode], causes: [[cause, 90000], ['provider.overloaded', 4000], ['network.tls_untrusted_ca', 45296], [word, 1]].map(([name, longest]) => ({
    cause: name, episodes: 1234, calls: 123456, p50: 5330, p90: 20930, mean: 9999, longest, longest_ended: false})),
    held_and_recovered: {calls: 12345, waited: 99999}, lost: {broken: 12, given_up: 34}});
  past.drawPlan({basis: 'published', best: [{start: at, end: at, share: 0.0123, calls: 123456}], avoid: {start: at, end: at, share: 0.5},
    move: [{client: word, hour: 3, to: 'batch'}], stagger: [], claims: [{days: 'mon-fri', hours: '09-17', tz: word, source: word, date: '2026'}]});
  past.drawSettings({values: {'notify.on': {value: ['opened', 'held', 'recovered', 'gave_up', 'limit_reset', 'escalate_now'], source: 'user file'},
    'report.it_contact': {value: word, source: word}, [word]: {value: '', source: 'option'}}});
  document.getElementById('settings-all').open = true;
  return {page: document.documentElement.scrollWidth,
    boxes: [...document.querySelectorAll('.scroll')].filter((box) => box.scrollWidth > box.clientWidth).map((box) => box.querySelector('caption').textContent),
    cut: [...document.querySelectorAll('main *')].filter((one) => !one.closest('.unseen, svg, thead') && one.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map((one) => one.outerHTML.slice(0, 80))};
}

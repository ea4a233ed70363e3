"""Is it me or them? Checks measure, each on its own; the verdict follows from what they found.

- what is examined, and how: `subject` (address, credential, whom to ask beside), `behind` (where the user's own
  gateways send calls), `check` (what a check is, and the frame that runs all of `checks/`)
- from findings to an answer, all pure: `rules` (what several checks say together), `verdict`, `case` (all that is known
  when the answer is written), `side` (what an upstream is called), `advice` (what to do, and what not: `steps` of the
  catalogue, or `exact` ones by what was found), `escalation` (when to tell somebody)
- what else counts: `earlier` (episodes before this one), `lasting` (what they say, in words), `recorded` (the gateway's
  last records), `answering` (which models answer while others fail), `said` (a text that was pasted), `answers` (what a
  person tried)
- kept between runs: `kept` (small files of facts), `runs` (which checks failed, which facts differ)
- what several checks look at: `platform`, `link`, `desktop`, `program` (another program, asked within a time), `reach`
  (a request, measured), `tcp`, `certificate`, `root` (a company's own), `status` (a status page), `spending` (calls
  that cost tokens)
"""

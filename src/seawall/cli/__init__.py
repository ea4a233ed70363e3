"""The `seawall` command. A verb's module has its name; `verbs` is their table, and finds the module. Beside them:

- for every verb: `common` (options, exit codes, how a verb fails), `leaving` (how the process ends), `look` (width,
  colour, signs), `times` (lengths, days and zones as people write them), `progress` (long work), `browser`,
  `gateways` (what the own gateways say of themselves), `records` (where the store is, and how it is opened),
  `schemas`, `streams` (stdin, stdout and stderr that are closed or full)
- doctor: `examine` (a run of the checks, and the case that comes of it; report and watch use it too), `kept_runs`
  (--again, --save, --compare), `waiting` (--wait), `root` (--export-ca)
- explain: `source` and `clipboard` (where the text comes from), `catalogue` (a cause's page, lists), `incidents` (an
  id; history uses it too), `many` (--jsonl), `merged` (--check), `request` (--request)
- watch: `watching` (from one look to the next), `measured` (the way and the status page), `changed` (files that were
  touched meanwhile), `following` (--notify), `telling` (who is told, and what was told already), `ready` (a report
  made when it is time), `web` (--web)
- run: `child` (what the command gets), `process` (the command itself, and its signals), `kept_gateway` (that all runs
  share), `quiet` and `until_quiet` (--when), `apart` (--stagger), `continuing` and `claude_words` (--then-continue),
  `written` (--direct). serve: `serving` (its process), `alarm` (starts whoever tells), `keys` (of fallbacks),
  `telemetry`, `web`
- report: `reported` (what it starts from). model: `typed` (keys). import: `import_`. config: `settings`
"""

import sys


def main() -> None:
    """Run the command line with this process's arguments and end the process with its exit code."""
    from seawall.cli import streams

    streams.mend()
    given = sys.argv[1:]
    if given[:1] == ["serve"]:
        from seawall.cli import serving
        from seawall.cli.leaving import leave

        if (asked := serving.read(given[1:])) is not None:
            leave(given, lambda: serving.serve(**asked))
    from seawall.cli.verbs import run

    run()

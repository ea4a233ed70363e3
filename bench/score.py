"""`python -m bench.score CORPUS`: how well `seawall explain` names labelled texts.

A corpus is a file of JSON objects, one a line: `text`, `code` (the right condition), `also` (others that are right
too), `fault` and `retryable`. Texts that others posted are not ours to keep: no corpus belongs into the project.
"""

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from seawall.causes.cause import Party, lookup
from seawall.causes.verdict import explain

_PARTIES = {"upstream": Party.PROVIDER, "quota": Party.LIMIT, "local": Party.MACHINE}
"""What the labels call some parties. The others have our names."""
_SETTLED = {"rate_limited_unspecified": Party.PROVIDER}
"""A throttle of the service is not the customer's limit: settled so in the list of codes."""
_NOT_CLAUDE = frozenset(("unrelated", "unrelated_other_vendor", "local_runtime", "mcp_server"))


@dataclass(frozen=True, slots=True)
class Answer:
    """One text: what was said of it and what is right."""

    id: str
    code: str
    want: str
    strict: bool
    lenient: bool
    party_and_retry: bool
    false_claim: bool


def judged(row: dict[str, object]) -> Answer:
    """The answer to one row of a corpus."""
    want, also = str(row["code"]), row.get("also") or []
    assert isinstance(also, list)
    verdict = explain(str(row["text"]))
    code = verdict.cause.partition(".")[2]
    summary = lookup(verdict.cause)
    fault = str(row["fault"])
    party = _SETTLED.get(want) or _PARTIES.get(fault) or Party(fault)
    return Answer(
        id=str(row.get("id", "")),
        code=verdict.cause,
        want=want,
        strict=code == want,
        lenient=code == want or code in also,
        party_and_retry=summary.party is party and summary.retry == row["retryable"],
        false_claim=want in _NOT_CLAUDE and code not in _NOT_CLAUDE | {"unknown"} and code not in also,
    )


def report(answers: Iterable[Answer]) -> str:
    """The four figures, and below them every answer that is not strictly right."""
    answers = list(answers)
    count = max(1, len(answers))
    lines = [
        f"texts            {len(answers)}",
        f"lenient          {sum(a.lenient for a in answers) / count:.3f}",
        f"strict           {sum(a.strict for a in answers) / count:.3f}",
        f"party and retry  {sum(a.party_and_retry for a in answers) / count:.3f}",
        f"false claims     {sum(a.false_claim for a in answers)}",
    ]
    for answer in answers:
        if not answer.strict or not answer.party_and_retry:
            mark = "false claim" if answer.false_claim else "also right" if answer.lenient else "wrong"
            mark = "party or retry" if answer.strict else mark
            lines.append(f"  {answer.id}  {mark}: {answer.code}, labelled {answer.want}")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m bench.score CORPUS", file=sys.stderr)
        return 2
    try:
        lines = Path(arguments[0]).read_text("utf-8").splitlines()
        rows = [json.loads(line) for line in lines if line.strip()]
    except (OSError, ValueError) as error:
        print(f"{arguments[0]}: {error}", file=sys.stderr)
        return 2
    print(report(map(judged, rows)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

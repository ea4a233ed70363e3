"""Cases to report, made by hand: an incident on record, what was measured, a machine."""

from dataclasses import replace

from seawall.causes.cause import load
from seawall.causes.verdict import Confidence
from seawall.doctor.check import Check, Direction, Finding, Result, Sign, State, Weight
from seawall.doctor.escalation import Escalation, Gate, Met
from seawall.doctor.escalation import State as Outcome
from seawall.doctor.verdict import Verdict
from seawall.history.episodes import End, Episode
from seawall.report.case import Case, Recorded
from seawall.report.machine import Machine
from seawall.store.rows import Attempt

NOW = 1_763_645_000.0  # 2025-11-20 13:23:20 UTC
FAILED = Attempt(
    at=NOW - 600, utc_offset=60, call="sw_1234567800002a", number=1, route="api.anthropic.com", family="opus",
    status=529, error_type="overloaded_error", cause="provider.overloaded", request_id="req_011CSHoEeqs5C35K2UUqR0000",
    took=0.5125, held=1.0, ended="retried", client="claude-cli/2.1.245", account="ab",
)  # fmt: skip
EPISODE = Episode(
    id="7f3a", cause="provider.overloaded", route="api.anthropic.com", families=("opus",), opened_at=NOW - 600,
    last_failure_at=NOW - 5, until=NOW, end=End.OPEN, attempts=3, calls=2, given_up=0, broken=0, utc_offset=60,
)  # fmt: skip
MACHINE = Machine(
    seawall="0.1.0", python="3.11.7 (CPython)", system="Linux 6.8.0 (x86_64), Debian",
    claude_code="2.1.245 (npm build)",
    node="22.15.0", terminal="VS Code integrated terminal, xterm-256color", shell="zsh",
    os_choice="Ubuntu/Debian Linux", terminal_choice="VS Code integrated terminal", platform_choice="Anthropic API",
    proxy=("HTTPS_PROXY: http, with a password",), settings=("ANTHROPIC_API_KEY (~/.zshrc line 41)",),
    gateway="not running",
)  # fmt: skip
GATES = tuple(Gate(name, Met.YES, "") for name in ("time", "page", "network", "account", "basics", "others"))


def rows(count: int = 3) -> list[Attempt]:
    """So many failures, a minute apart, each with its own request id."""
    return [
        replace(FAILED, at=FAILED.at + 60 * n, number=n + 1, request_id=f"req_011CSHoEeqs5C35K2UUqR{n:04d}")
        for n in range(count)
    ]


def mixed() -> Case:
    """All failures since a time: 252 of an overload by 12 calls, 10 of a 503 by 2, newest 32 refused connections."""
    service = replace(
        FAILED, status=503, error_type=None, cause="provider.service_unavailable", request_id=None
    )
    refused = replace(
        FAILED, status=None, error_type=None, cause="network.connection_refused", request_id=None
    )
    found = [
        *(replace(FAILED, at=FAILED.at + n, call=f"sw_a{n % 12:013}") for n in range(252)),
        *(replace(service, at=FAILED.at + 300 + n, call=f"sw_b{n % 2:013}") for n in range(10)),
        *(replace(refused, at=FAILED.at + 400 + n, call=f"sw_c{n % 5:013}") for n in range(32)),
    ]
    return case(recorded=Recorded(rows=found, calls=19))


def result(check: str, state: State = State.OK, summary: str = "", **facts: object) -> Result:
    """What a check found."""

    async def run(probe):
        raise AssertionError("not run here")

    return Result(Check(check, check.replace(".", " "), run), Finding(state, summary, facts))


def verdict(cause: str | None = "provider.overloaded", *signs: Sign) -> Verdict:
    """A verdict with some evidence for it and against."""
    evidence = signs or (
        Sign(cause or "*", "3 calls failed with 529", Weight.DECISIVE, check="seen.recent"),
        Sign(
            cause or "*",
            "the status page shows no incident",
            Weight.WEAK,
            Direction.AGAINST,
            check="status.page",
        ),
    )
    return Verdict(cause, Confidence.CERTAIN, "", evidence, fine=("name", "TLS"))


def case(cause: str = "provider.overloaded", **change: object) -> Case:
    """An incident of three failures that goes on, with everything measured fine."""
    made = Case(
        made_at=NOW, cause=load(cause), machine=MACHINE, verdict=verdict(cause),
        results=(result("net.dns"), result("tls.chain", issuer="Example Root", trusted=True)),
        escalation=Escalation(Outcome.NOW, "now: seawall report 7f3a", gates=GATES), host="api.anthropic.com",
        recorded=Recorded(EPISODE, rows(), calls=2),
    )  # fmt: skip
    return replace(made, **change)

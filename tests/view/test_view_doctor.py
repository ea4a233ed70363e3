"""What the doctor prints, at the widths that people have."""

from typing import Any

import pytest

from seawall.causes.cause import load
from seawall.doctor.check import Check, Direction, Finding, Result, Sign, State, Weight
from seawall.doctor.verdict import Verdict, conclude
from seawall.view.doctor import block, listed, table
from seawall.view.explanation import Look


async def never(probe: object) -> Finding:
    raise AssertionError


def result(id: str, title: str, state: State, *signs: Sign, **facts: Any) -> Result:
    return Result(Check(id, title, never, to=("api",)), Finding(state, f"{title} is {state}", facts, signs))


OVERLOADED = Sign(
    "provider.overloaded",
    "14 calls failed with 529 from the API itself, the last at 14:21:52 (req_011CSHoEeqs5C35K2UUqR7Fy)",
    Weight.DECISIVE,
    title="the API is overloaded (529) for opus",
)
GREEN = Sign(
    "provider.*", "status.claude.com shows no incident (it often lags)", Weight.WEAK, Direction.AGAINST
)
FOUND = (
    result("net.dns", "name", State.OK, seconds=0.009),
    result("net.tcp4", "IPv4", State.OK, seconds=0.021),
    result("tls.chain", "TLS", State.OK, seconds=0.045),
    result("api.edge", "API", State.OK, who="api", status=401, first_byte=0.132),
    result("local.gateway", "gateway", State.WARN, held=2),
    result("seen.recent", "your own calls", State.WARN, OVERLOADED),
    result("status.page", "status page", State.OK, GREEN),
)


def shown(results: tuple[Result, ...], look: Look, plain: bool = False) -> list[str]:
    verdict = conclude(results)
    return block(verdict, load(verdict.cause) if verdict.cause else None, results, look, plain)


def test_an_overloaded_api() -> None:
    """Party, title and confidence; what Seawall does; steps; evidence in its order; code and commands."""
    lines = shown(FOUND, Look())
    assert lines[0] == "Anthropic's side — the API is overloaded (529) for opus.               certain"
    assert lines[1] == "Seawall is holding 2 calls for you. Nothing is lost; leave the window open."
    labels = [line[:10].strip() for line in lines if line[:1].isalpha() and line[8:10].strip() == ""]
    assert labels == ["Do now", "Don't", "Evidence", "Escalate"]
    whole = "\n".join(lines)
    assert (
        whole.index("+ 14 calls")
        < whole.index("- status.claude.com")
        < whole.index("+ fine: name, IPv4, TLS")
    )
    assert lines[-1] == "provider.overloaded · seawall explain provider.overloaded"


def test_all_clear() -> None:
    """Where the time goes, hop by hop."""
    lines = shown(FOUND[:4], Look())
    assert lines[0] == "All clear — Claude calls should work from here."
    assert lines[2] == "Measured  name 9 ms · connect 21 ms · TLS 24 ms · first byte 132 ms"


@pytest.mark.parametrize("width", [80, 60, 40])
@pytest.mark.parametrize("results", [FOUND, FOUND[:4]])
def test_no_line_is_wider_than_the_terminal(width: int, results: tuple[Result, ...]) -> None:
    """Commands excepted, which are copied whole."""
    look = Look(width)
    commands = set()
    verdict = conclude(results)
    if verdict.cause:
        commands = {step.command for step in load(verdict.cause).do if step.command}
    for line in [
        *shown(results, look),
        *table(results, look),
        *listed([one.check for one in results], HOSTS, look),
    ]:
        assert len(line) <= width or any(command in line for command in commands), line


HOSTS = {"api": "api.anthropic.com"}


def test_plain_has_ascii_marks() -> None:
    """No sign of ours beyond ASCII in front of evidence, and nothing wrapped."""
    neutral = Sign("*", "a note", Weight.WEAK, Direction.NEUTRAL)
    lines = shown((*FOUND, result("local.env", "environment", State.OK, neutral)), Look(None), plain=True)
    assert any(line.strip() == ". a note" for line in lines)
    assert not any("·" in line for line in lines)


def test_what_is_not_known_says_what_would_decide() -> None:
    """No steps of a cause that nobody has found."""
    reset = Sign("network.connection_reset", "9 calls were cut")
    lines = shown((FOUND[3], result("seen.recent", "your own calls", State.WARN, reset)), Look())
    assert lines[0].startswith("Not known yet — ")
    assert any("One measurement decides." in line for line in lines)
    assert not any(line.startswith("Don't") for line in lines)


def test_a_terminal_obeys_nothing_that_was_measured() -> None:
    """An issuer, a path or a page may hold what would move the cursor."""
    evil = Sign(
        "network.tls_untrusted_ca",
        "issuer \x1b[2J\r\n\x9b",
        Weight.DECISIVE,
        title='signed by "\x1b]0;x\x07"',
    )
    lines = shown((result("tls.chain", "TLS", State.FAIL, evil),), Look())
    assert all(line.isprintable() for line in lines)


def test_what_could_not_be_measured_is_said() -> None:
    """A crash of a check is neither good nor bad, and not hidden."""
    lines = shown((*FOUND[:4], result("status.page", "status page", State.CRASH)), Look())
    assert any("not known: status page" in line for line in lines)


def test_nothing_asked_is_not_all_clear() -> None:
    """With `--only` of a local check nothing is said of the API."""
    verdict: Verdict = conclude((FOUND[0],))
    assert block(verdict, None, (FOUND[0],), Look(), False)[0] == "Nothing wrong in what was measured."

"""Claude Code from npm through Seawall, against the faulty API."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from client_cases import BROKEN_STREAM, FINAL, GIVEN_UP, WHOLE, Case, named
from client_setup import OPUS
from real_claude import Claude
from sdk_checks import Start

from seawall.fake.content import verify_answer

# Claude Code takes half a second to start. It is spared what differs only for Seawall, not for its client.
ALIKE = {
    "529-cut-body", "503-empty", "504", "504-text", "429-acceleration", "cut-before-content", "200-html-as-stream",
    "200-wrong-json", "gzip-error-then-gzip", "not-http", "switching-protocols", "head-of-a-megabyte",
    "length-and-chunked", "connection-close", "closed-while-idle", "mixed-connection",
}  # fmt: skip
TRIED = [case for case in WHOLE if case.name not in ALIKE]
GIVEN_UP_STREAMED = [case for case in GIVEN_UP if case.streamed is not False]


def _wrong(told: dict[str, Any], case: Case) -> str | None:
    """None for a turn that ended well with the whole answer."""
    if told["exit"] or told["is_error"]:
        return f"exit {told['exit']}: {told['result']}"
    return verify_answer(told["result"], case.prompt())


@pytest.mark.parametrize("case", TRIED, ids=named)
def test_the_whole_answer_comes_and_claude_code_never_retries(
    case: Case, start: Start, claude: Claude
) -> None:
    """One request from Claude Code, whatever the API did to it: on Opus three 529 would end the turn."""
    setup = start(case)
    told = claude.ask(setup.url, case.prompt(), model=OPUS)
    assert _wrong(told, case) is None
    assert setup.calls == 1


@pytest.mark.parametrize("case", BROKEN_STREAM, ids=named)
def test_a_stream_that_breaks_in_its_content_is_asked_for_again(
    case: Case, start: Start, claude: Claude
) -> None:
    """Claude Code sees that the answer broke and asks again itself; Seawall replayed nothing."""
    setup = start(case)
    told = claude.ask(setup.url, case.prompt(), model=OPUS)
    assert _wrong(told, case) is None
    assert len(setup.attempts) == setup.calls > 1


@pytest.mark.parametrize("case", GIVEN_UP_STREAMED, ids=named)
def test_giving_up_ends_the_turn_with_an_error(case: Case, start: Start, claude: Claude) -> None:
    """Where Seawall gives up and Claude Code may not retry, its user is told."""
    told = claude.ask(start(case).url, case.prompt(), model=OPUS, CLAUDE_CODE_MAX_RETRIES="0")
    assert (told["exit"], told["is_error"]) == (1, True)


@pytest.mark.parametrize("case", FINAL, ids=named)
def test_a_final_answer_is_the_same_as_without_seawall(case: Case, start: Start, claude: Claude) -> None:
    """The same end, the same text and as many requests as Claude Code makes by itself: nothing is held."""
    through, direct = start(case, always=True), start(case, always=True)
    urls = (through.url, direct.fake.url)

    def ask(url: str) -> dict[str, Any]:
        return claude.ask(url, case.prompt(), model=OPUS, CLAUDE_CODE_MAX_RETRIES="1")

    with ThreadPoolExecutor(2) as pool:
        told, plain = pool.map(ask, urls)
    assert _told(told, through.url) == _told(plain, direct.fake.url)
    assert told["is_error"]
    assert len(through.attempts) == len(direct.attempts) >= 1


def _told(told: dict[str, Any], url: str) -> tuple[Any, ...]:
    address = url.removeprefix("http://")
    return told["exit"], told["api_error_status"], told["result"].replace(address, "HERE")


def test_without_seawall_three_529_end_the_turn(start: Start, claude: Claude) -> None:
    """What the whole thing is for: the script that costs nothing above costs the turn here."""
    case = Case("529-three-times", ("overloaded",) * 3)
    direct = start(case)
    told = claude.ask(direct.fake.url, case.prompt(), model=OPUS)
    assert (told["exit"], told["is_error"]) == (1, True)
    assert "529" in told["result"]
    assert direct.attempts == ["overloaded"] * 3

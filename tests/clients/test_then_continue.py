"""`seawall run --then-continue` with Claude Code from npm, which is told not to send a cut request again by itself."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import npm_clients
import pytest
from client_setup import KEY, OPUS
from real_claude import Claude, Trap

from own_home import Home
from seawall.fake.content import verify_answer
from seawall.fake.scenario import Scenario
from seawall.fake.thread import BackgroundFakeApi

PROMPT = "Count, please. nonce=first"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A home of its own for the command and for Claude Code."""
    made = Home(tmp_path)
    yield made
    made.end()


@pytest.fixture
def api() -> Iterator[BackgroundFakeApi]:
    """The faulty API."""
    fake = BackgroundFakeApi(Scenario())
    fake.start()
    yield fake
    fake.stop()


def test_claude_code_goes_on_after_a_cut_answer(
    home: Home, api: BackgroundFakeApi, claude: Claude, trap: Trap
) -> None:
    """It ends with an error, is started again in the same session with "continue", and answers; the code is 0."""
    program = npm_clients.claude_code()
    home.tool("claude", f'exec {shlex.quote(str(program))} "$@"')
    api.script("cut at=in-block how=close")
    done = home.seawall(
        "run", "--then-continue", "--", "claude", "-p", PROMPT, "--model", OPUS,
        SEAWALL_GATEWAY_UPSTREAM=api.url, ANTHROPIC_API_KEY=KEY, CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
        DISABLE_AUTOUPDATER="1", DISABLE_TELEMETRY="1", CLAUDE_CODE_MAX_RETRIES="0",
        CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK="1",
        HTTPS_PROXY=trap.url, HTTP_PROXY=trap.url, NO_PROXY="127.0.0.1,localhost,::1",
    )  # fmt: skip
    assert done.stderr == 'seawall: the answer was cut; going on with "continue" (1 of 3)\n'
    error, answer = done.stdout.splitlines()
    assert error.startswith("API Error: ")
    assert (
        verify_answer(answer, PROMPT) is None
    )  # nothing of the first answer could be used: it is asked for anew
    assert done.returncode == 0
    [transcript] = (home.path / ".claude/projects").rglob("*.jsonl")
    told = transcript.read_text()
    assert "nonce=first" in told
    assert '"continue"' in told

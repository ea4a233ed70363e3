"""Gateways in front of faulty APIs, and the clients from npm."""

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import npm_clients
import pytest
from client_cases import Case
from client_setup import Setup, Thread, set_up, tear_down
from js_sdk import Node
from real_claude import Claude, Trap


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDKs read keys, addresses and headers from the environment; whose machine it is must not matter."""
    for name in [name for name in os.environ if name.startswith("ANTHROPIC_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def gateway_thread() -> Iterator[Thread]:
    """The thread in which gateways run, on uvloop where there is one, as `seawall serve` does it."""
    try:
        import uvloop

        loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    except ImportError:
        loop = asyncio.new_event_loop()
    thread = Thread(loop)
    yield thread
    thread.stop()


@pytest.fixture
def start(gateway_thread: Thread) -> Iterator[Callable[..., Setup]]:
    """`start(case)`: a gateway set as the case says, a faulty API behind it."""
    running: list[Setup] = []

    def begin(case: Case, **how: Any) -> Setup:
        running.append(set_up(gateway_thread, case, **how))
        return running[-1]

    yield begin
    for setup in running:
        tear_down(setup)


# ---- from npm --------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def from_npm(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """The folder with the clients from npm; skips where they cannot be had, fails there in CI."""
    shared = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        shared = shared.parent
    if reason := npm_clients.install(shared / "npm-failed"):
        _missing(reason)
    return npm_clients.MODULES


def _missing(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def node(from_npm: Path) -> Iterator[Node]:
    """The JavaScript SDK, ready to call."""
    process = Node()
    yield process
    process.stop()


@pytest.fixture
def trap() -> Iterator[Trap]:
    """Where everything would go that is not meant for the gateway."""
    made = Trap()
    yield made
    made.stop()


@pytest.fixture
def claude(from_npm: Path, tmp_path: Path, trap: Trap) -> Iterator[Claude]:
    """Claude Code; the test fails if it tried any address but the one it was given."""
    program = npm_clients.claude_code()
    if program is None:
        _missing("npm has no Claude Code for this platform: it was not tried")
    assert program is not None
    yield Claude(program, tmp_path, trap)
    assert trap.caught == 0, "Claude Code tried to reach something else than the gateway"

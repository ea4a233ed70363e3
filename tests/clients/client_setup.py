"""A faulty API and a gateway in front of it, each in a thread that is not the client's."""

import asyncio
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from client_cases import Case

from own_home import until
from seawall.config import Config
from seawall.fake.content import verify_answer
from seawall.fake.scenario import Rule, Scenario
from seawall.fake.thread import BackgroundFakeApi
from seawall.gateway.app import GatewayServer
from seawall.store.rows import Attempt

KEY = "sk-ant-api03-" + "made-up-" * 10
SONNET, OPUS = "claude-sonnet-5", "claude-opus-5"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended for its client."""

    text: str = ""
    """All text of the answer. A tool call carries the same text: the ways of calling check that it does."""
    error: str = ""
    """The class of the failure; empty: the client took the answer for whole."""
    status: int | None = None
    message: str = ""

    def wrong(self, prompt: str) -> str | None:
        """None for the whole answer to `prompt`, else what is wrong."""
        return f"{self.error}: {self.message}" if self.error else verify_answer(self.text, prompt)


class Thread:
    """An event loop in a thread of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._thread = threading.Thread(target=loop.run_forever, name="seawall-gateway", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """The result of a coroutine that runs there."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def stop(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@dataclass(slots=True)
class Setup:
    """One gateway and the faulty API behind it."""

    fake: BackgroundFakeApi
    gateway: GatewayServer
    thread: Thread
    rows: list[Attempt] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where the client is sent."""
        return f"http://127.0.0.1:{self.gateway.addresses[0][1]}"

    def status(self) -> dict[str, Any]:
        """What the gateway says of itself."""

        async def ask() -> dict[str, Any]:
            return self.gateway.status()

        return self.thread.run(ask())  # type: ignore[no-any-return]

    @property
    def calls(self) -> int:
        """Messages requests that the client sent to the gateway."""
        return int(self.status()["calls"])

    @property
    def attempts(self) -> list[str]:
        """What the API did with each messages request it got, in order; empty text: answered rightly."""
        return [seen.fault for seen in self.fake.requests if seen.target.startswith("/v1/messages")]


def set_up(thread: Thread, case: Case, *, always: bool = False, rules: tuple[Rule, ...] = ()) -> Setup:
    """Start both. `always`: every messages request gets the first fault of the case; `rules`: beside its script."""
    if always:
        rules = (Rule(do=case.script[0]),)
    fake = BackgroundFakeApi(Scenario(rules=rules))
    fake.start()
    if not always:
        fake.script(*case.script)
    rows: list[Attempt] = []
    gateway = GatewayServer(Config(gateway=case.gateway(fake.url)), sink=rows.append)
    thread.run(gateway.start())
    return Setup(fake, gateway, thread, rows)


def tear_down(setup: Setup) -> None:
    """Stop both; the gateway must have nothing left to do, as soon as it has seen its client leave."""
    try:
        until(lambda: setup.status()["running"] == 0, "end of calls whose client is done")
    finally:
        setup.thread.run(setup.gateway.stop())
        setup.fake.stop()

"""The faulty API in a thread of its own, for tests and programs that are not asynchronous."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

from seawall.fake.app import FakeApi, Seen, Stats
from seawall.fake.content import verify_answer
from seawall.fake.scenario import Scenario, load
from seawall.fake.script import Fault

START_LIMIT: Final = 30.0
"""Seconds for the thread to answer; only a machine that is stuck needs them."""


class BackgroundFakeApi:
    """A running faulty API: `url`, `script(...)`, `requests`, `stats()`. A context manager that starts and stops it.

    `scenario` is a Scenario, a TOML file, or the name of one that is shipped.
    """

    def __init__(self, scenario: Scenario | str | Path | None = None, **options: Any) -> None:
        found = load(scenario) if isinstance(scenario, str | Path) else scenario
        self.api = FakeApi(found, **options)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="seawall-fake", daemon=True)

    def start(self) -> None:
        """Listen; raises OSError where the port cannot be had."""
        self._thread.start()
        try:
            self._run(self.api.start())
        except BaseException:
            self._end()
            raise

    def stop(self) -> None:
        """Close everything; the thread is gone when this returns."""
        if self._loop.is_closed():
            return
        with contextlib.ExitStack() as stack:
            stack.callback(self._end)
            self._run(self.api.stop())

    def __enter__(self) -> "BackgroundFakeApi":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The base address for a client."""
        return self.api.url

    @property
    def requests(self) -> list[Seen]:
        """The requests that came, oldest first."""
        return self.api.requests

    def script(self, *faults: str | Fault | tuple[Fault, ...]) -> None:
        """The next requests to POST /v1/messages get these faults, in order; then right answers again."""
        self.api.script(*faults)

    def stats(self) -> Stats:
        """Counts by fault and status, and what is running now."""
        return self.api.stats()

    verify = staticmethod(verify_answer)
    """`verify(text, prompt)`: None when the text is the whole answer to this prompt, else what is wrong."""

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(START_LIMIT)

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

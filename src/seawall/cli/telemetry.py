"""Telemetry as `serve` uses it: nothing of it is imported where none is asked for."""

import asyncio
import concurrent.futures
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from seawall.cli.common import Common
from seawall.config import Config
from seawall.store.latency import Latency
from seawall.store.rows import Attempt, Count

if TYPE_CHECKING:
    from seawall.gateway.tally import Tallies
    from seawall.view.telemetry import Telemetry

Put = Callable[[Attempt | Count | Latency], None]
_ANSWER = 5.0
"""Seconds that the event loop may take to say how things stand."""
_NAMES = ("OTEL_EXPORTER_OTLP_ENDPOINT",)


class Outlet:
    """Rows to the store and, where that is configured, to a collector."""

    def __init__(
        self,
        config: Config,
        environ: Mapping[str, str],
        put: Put,
        figures: "Callable[[], tuple[Tallies, float]]",
        status: Callable[[], Mapping[str, object]],
    ) -> None:
        self.put = put
        self._telemetry: Telemetry | None = None
        self._starting: asyncio.Task[None] | None = None
        if not config.telemetry.endpoint and not any(environ.get(name) for name in _NAMES):
            return
        from seawall.view import telemetry as view

        if view.wanted(config.telemetry.endpoint, environ):
            loop = asyncio.get_running_loop()
            telemetry = view.Telemetry(config.telemetry.endpoint, environ, figures, lambda: _on(loop, status))
            self._telemetry = telemetry

            def both(row: Attempt | Count | Latency) -> None:
                put(row)
                telemetry.put(row)

            self.put = both

    def start(self, common: Common) -> None:
        """Begin to send, from a thread: what that needs takes half a second to import."""
        if self._telemetry is not None:
            self._starting = asyncio.create_task(self._start(self._telemetry, common))

    async def _start(self, telemetry: "Telemetry", common: Common) -> None:
        from seawall.view.telemetry import MISSING

        try:
            await asyncio.to_thread(telemetry.start)
        except ImportError:
            common.say(MISSING)
        except ValueError as error:
            common.say(f"telemetry is not sent: {error}")

    async def close(self) -> None:
        """Send what is left, within seconds."""
        if self._starting is not None and self._telemetry is not None:
            await asyncio.gather(self._starting, return_exceptions=True)
            await asyncio.to_thread(self._telemetry.close)


def _on(loop: asyncio.AbstractEventLoop, status: Callable[[], Mapping[str, object]]) -> Mapping[str, object]:
    """What `status` says, asked in the event loop from another thread; nothing where that does not answer."""
    said: concurrent.futures.Future[Mapping[str, object]] = concurrent.futures.Future()
    try:
        loop.call_soon_threadsafe(lambda: said.set_result(status()))
        return said.result(_ANSWER)
    except (RuntimeError, TimeoutError):
        return {}

"""Connections to one upstream: kept alive, handed out, opened ahead of need."""

import asyncio

from seawall.causes.evidence import Fault
from seawall.config import Idle, Network, Sizes
from seawall.http.connection import UpstreamConnection
from seawall.http.dial import DialError, dial
from seawall.http.tls import client_context
from seawall.origin import Origin

_MOST_IDLE = 256


class Pool:
    """Idle connections to `origin`, the most recently used first."""

    def __init__(self, origin: Origin, network: Network, idle: Idle, sizes: Sizes) -> None:
        self.origin = origin
        self._network = network
        self._limits = idle
        self._sizes = sizes
        self._idle: list[UpstreamConnection] = []
        self._open: set[UpstreamConnection] = set()
        self._warming: asyncio.Task[None] | None = None
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self._released = self._release  # one for all connections

    async def acquire(self, *, fresh: bool = False) -> UpstreamConnection:
        """A connection that is open, a new one where none is idle or `fresh` is asked for. Raises DialError."""
        connection = None if fresh else self.idle(self._loop.time())
        if connection is None:
            connection = await self._dial()
            self.warm()
        return connection

    def idle(self, now: float) -> UpstreamConnection | None:
        """A connection that is open already, if there is one."""
        idle, oldest = self._idle, now - self._limits.pooled
        while idle:
            connection = idle.pop()
            if connection.open and connection.used_at > oldest:
                if not idle:
                    self.warm()
                return connection
            connection.close()
        return None

    def put_back(self, connection: UpstreamConnection) -> None:
        """It is not needed after all."""
        self._idle.append(connection)

    async def _dial(self) -> UpstreamConnection:
        if self._closed:
            raise DialError(Fault.CONNECTION_REFUSED, "the gateway is stopping")
        _, protocol = await dial(
            self.origin,
            self._network,
            lambda: UpstreamConnection(self._sizes, self._released),
            timeout=self._limits.connect,
        )
        assert isinstance(protocol, UpstreamConnection)
        self._open.add(protocol)
        return protocol

    def _release(self, connection: UpstreamConnection, reusable: bool) -> None:
        if reusable and not self._closed and len(self._idle) < _MOST_IDLE:
            self._idle.append(connection)
            return
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if reusable:
            connection.close()

    def warm(self) -> None:
        """Keep one TLS connection ahead of need: a handshake costs round trips and a millisecond of CPU."""
        if self.origin.scheme == "https" and not self._idle and self._warming is None and not self._closed:
            self._warming = self._loop.create_task(self._warm())

    async def _warm(self) -> None:
        try:
            # Reading the trusted roots takes tens of milliseconds, the first time: not on the loop.
            await asyncio.to_thread(client_context, self._network)
            connection = await self._dial()
            self._release(connection, True)
        except DialError:
            pass  # a request that needs it will meet the same trouble and tell
        finally:
            self._warming = None

    def tick(self, now: float) -> None:
        """Close connections that were idle for too long."""
        oldest = now - self._limits.pooled
        for connection in [c for c in self._idle if c.used_at <= oldest]:
            self._idle.remove(connection)
            connection.close()

    def close_idle(self) -> None:
        """Close what carries nothing now: after a sleep, its other ends are gone."""
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def close(self) -> None:
        """Close everything, for good."""
        self._closed = True
        if self._warming is not None:
            self._warming.cancel()
        self._idle.clear()
        for connection in tuple(self._open):
            connection.cancel()

    @property
    def open_connections(self) -> int:
        """How many are open, idle ones included."""
        return len(self._open)

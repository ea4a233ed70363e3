"""The gateway: its listener, its routes, and what happens once a tick."""

import asyncio
import random
import secrets
import socket
from collections import Counter
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from seawall.causes.cause import lookup
from seawall.causes.evidence import Evidence, Phase
from seawall.causes.match import match
from seawall.clock import Clock, SystemClock
from seawall.config import Config, listen_address, upstream_address
from seawall.gateway import lanes
from seawall.gateway.accounts import Accounts
from seawall.gateway.admission import Admission
from seawall.gateway.call import Calls, flow_of, session_and_agent
from seawall.gateway.exchange import Exchange
from seawall.gateway.guard import Guard, Refusal
from seawall.gateway.listen import listening_sockets
from seawall.gateway.local import EPISODE, LocalHandler, answer_locally
from seawall.gateway.means import Means
from seawall.gateway.memory import Memory
from seawall.gateway.places import Places
from seawall.gateway.records import Records, Sink
from seawall.gateway.relay import Relay, Stage, Told
from seawall.gateway.tally import Tallies
from seawall.http.dial import DialError
from seawall.http.head import Headers, format_head
from seawall.http.pool import Pool
from seawall.http.reply import Reply
from seawall.http.request import BodyTooLarge, Request
from seawall.http.server import Server
from seawall.http.tls import listening_context
from seawall.upstream.passing import Passage
from seawall.wire import errors
from seawall.wire.request import RequestBody

if TYPE_CHECKING:
    from seawall.gateway.fallback import Fallbacks

_MESSAGES = b"/v1/messages"
_COUNT_TOKENS = b"/v1/messages/count_tokens"
_FLUSH_EVERY = 5.0
_SLEPT = 5.0
"""Seconds that the wall clock may run ahead of the monotonic one before we call it a sleep."""
_FIRST_ROOM = 64 * 1024
"""Bytes counted as held for a request whose length nobody knows yet."""
_SHARE_KEPT = 8
"""So large a part of what may be held, beside it, may be answers that are kept for their clients' return."""
_MEMORY_FULL = "the memory for held requests is full"
_RING = Refusal(
    508,
    "api_error",
    "Seawall: this request has been here before: the address that calls are sent to leads back to this gateway."
    " Set gateway.upstream, or the address in the gateway behind it, to the API itself.",
)
_JSON: Headers = [b"content-type: application/json"]
_EPISODE = EPISODE.encode()


class GatewayServer:
    """One gateway. `start`, then `drain` and `stop`."""

    def __init__(
        self,
        config: Config,
        *,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        sink: Sink | None = None,
        local_routes: Mapping[str, LocalHandler] | None = None,
        salt: bytes | None = None,
        fallback_keys: Mapping[int, str] | None = None,
        sockets: list[socket.socket] | None = None,
    ) -> None:
        settings = config.gateway
        origin, base = upstream_address(settings.upstream)
        self._config = config
        self._clock = clock or SystemClock()
        self._routes = {path.encode("latin-1"): route for path, route in (local_routes or {}).items()}
        self._accounts = Accounts(salt or secrets.token_bytes(16))
        self._fallback_keys = dict(fallback_keys or {})
        """By the place of their `[[fallback]]`."""
        self._fallbacks: Fallbacks | None = None
        self._sockets = sockets
        self._origin = origin
        self._calls = Calls(settings, origin, base, self._accounts)
        self._rng = rng or random.Random()
        self._records = Records(self._clock, sink, origin.host, self._accounts.account)
        self._places = Places(settings.hold.place_kept, settings.hold.spent_kept)
        self._admission = Admission(settings, self._rng)
        self._pool: Pool | None = None
        self._means: Means | None = None
        self._server: Server | None = None
        self._guard: Guard | None = None
        self._listeners: list[asyncio.Server] = []
        self._exchanges: set[Exchange] = set()
        self._passages: set[Passage] = set()
        self._memory = Memory(settings.sizes.held)
        self._ticker: asyncio.TimerHandle | None = None
        self._flushed_at = 0.0
        self._ahead: float | None = None
        self._draining = False
        self.started_at = 0.0
        self.addresses: list[tuple[str, int]] = []

    # -- life -----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen. Raises OSError where the address cannot be had, ConfigError where the certificate cannot be shown."""
        settings, loop = self._config.gateway, asyncio.get_running_loop()
        context = listening_context(settings.tls_cert, settings.tls_key) if settings.tls_cert else None
        self._pool = Pool(self._origin, self._config.network, settings.idle, settings.sizes)
        self._server = Server(self._handle, self._refuse_head, settings.idle, settings.sizes)
        sockets = self._sockets or listening_sockets(*listen_address(settings.listen))
        self.addresses = [sock.getsockname()[:2] for sock in sockets]
        self._fallbacks = self._fallbacks_of_config()
        self._means = Means(
            settings,
            self._clock,
            self._rng,
            self._pool,
            self._admission,
            self._fallbacks,
            self._places,
            self._records,
            self._accounts,
            loop,
            self._memory,
            Memory(settings.sizes.held // _SHARE_KEPT),
            self._exchanges,
        )
        self._guard = Guard(self._config, self.addresses, self._origin.host)
        self._calls.loopback = self._guard.loopback
        for sock in sockets:
            self._listeners.append(
                await loop.create_server(self._server, sock=sock, ssl=context, backlog=1024)
            )
        self.started_at = self._clock.wall()
        self._pool.warm()
        self._tick()

    def _fallbacks_of_config(self) -> "Fallbacks | None":
        if not self._config.fallback and not self._config.gateway.fallback:
            return None
        from seawall.gateway.fallback import Fallbacks

        found = Fallbacks(self._config, self._fallback_keys, self._accounts, self.addresses, self._calls.via)
        return found if found.targets else None

    async def drain(self) -> None:
        """Stop taking requests; answer what only waits; let what runs finish, for a while. Then stop."""
        assert self._server is not None
        self._draining = True
        for listener in self._listeners:
            listener.close()
        self._server.close_idle()
        for exchange in tuple(self._exchanges):
            exchange.drain("it is stopping")
        await self._server.finish(self._config.gateway.idle.drain)
        await self.stop()

    async def stop(self) -> None:
        """Stop now: streams that run end with an error event."""
        self._draining = True
        for listener in self._listeners:
            listener.close()
        for exchange in tuple(self._exchanges):
            exchange.cut()
        for passage in tuple(self._passages):
            passage.cancel()
        await asyncio.sleep(0)
        if self._server is not None:
            self._server.close_idle()
            for connection in tuple(self._server.connections):
                connection.close()
        if self._ticker is not None:
            self._ticker.cancel()
        self._admission.stop()
        if self._pool is not None:
            self._pool.close()
        if self._fallbacks is not None:
            self._fallbacks.close()
        await asyncio.sleep(0)
        self._records.flush()

    def status(self) -> dict[str, Any]:
        """What `seawall status` shows; all of it is here, nothing is measured."""
        # A call whose answer has come after all is held no more, however long its stream goes on.
        held = [
            one for one in self._exchanges if one.cause and one.relay.stage < Stage.COMMITTED and not one.left
        ]
        now = asyncio.get_running_loop().time()
        cause, since = self._trouble(held, now)
        waiting, more = lanes.waiting(self._exchanges, now)
        return {
            "started_at": self.started_at,
            "upstream": self._calls.upstream,
            "running": len(self._exchanges),
            "queued": self._admission.queued,
            "held": len(held),
            "untried": sum(one.waiting and not one.cause for one in self._exchanges),
            "longest_held": max((now - exchange.standing.started_at for exchange in held), default=0.0),
            "next_try_in": lanes.next_try_in(self._admission.gates(), now),
            "cause": cause,
            "party": lookup(cause).party.value if cause else None,
            "since": since,
            "calls": self._records.calls,
            "own_hold": self._records.own_hold,
            "recovered": self._records.recovered,
            "lost": self._records.lost,
            "fell_back": self._records.fell_back,
            "unread": self._records.unread,
            "unwritten": self._records.unwritten,
            "draining": self._draining,
            "lanes": lanes.lanes(self._admission.gates(), now),
            "waiting": waiting,
            "waiting_more": more,
            **self._records.told(),
        }

    def figures(self) -> tuple[Tallies, float]:
        """What was counted since the start, and the moment it is read at."""
        return self._records.tallies, self._clock.now()

    def worth_telling(self, after: float) -> bool:
        """Whether trouble has lasted so many seconds, or a plan's used-up window has just begun anew."""
        lasting = self._records.lasting()
        if lasting and lasting >= after:
            return True
        return lanes.begun_anew(self._admission.gates(), asyncio.get_running_loop().time())

    def _trouble(self, held: list[Exchange], now: float) -> tuple[str | None, float | None]:
        """The cause that what is held longest is held for, else that of the oldest trouble; and since when it is."""
        if held:
            oldest = min(held, key=lambda exchange: exchange.standing.started_at)
            episode = self._records.trouble(oldest.cause)
            began = self._clock.wall() - (now - oldest.standing.started_at)
            return oldest.cause, episode.since if episode else began
        episode = self._records.trouble()
        return (episode.cause, episode.since) if episode else (None, None)

    # -- requests -------------------------------------------------------------------------------------------------

    def _handle(self, request: Request, reply: Reply) -> Coroutine[None, None, None] | None:
        """What carries a request, or None where it is answered already."""
        guard, head = self._guard, request.head
        assert guard is not None
        path = head.target.partition(b"?")[0]
        route = None if path == _MESSAGES else self._route(path)
        refusal = guard.refusal(head, own=route is not None)
        if refusal is not None:
            self._refuse(reply, refusal)
        elif b"via" in head.lower and self._calls.was_here(head):
            self._refuse(reply, _RING)
        elif route is not None:
            return self._answer_locally(route, request, reply)
        elif self._draining:
            self._unavailable(reply, "it is stopping")
        elif head.method == b"POST" and path == _MESSAGES:
            small = request.complete and request.size <= self._config.gateway.sizes.body
            if small and self._memory.take(request.size):
                return self._exchange(request, reply, request.whole()).start()
            return self._read_and_carry(request, reply)
        elif head.method in (b"GET", b"HEAD") and not head.length:
            return self._pass(request, reply, b"", tries=2)
        elif head.method == b"POST" and path == _COUNT_TOKENS:
            return self._count_tokens(request, reply)
        else:
            return self._pass(request, reply, request, tries=2)
        return None

    def _route(self, path: bytes) -> LocalHandler | None:
        return self._routes.get(_EPISODE if path.startswith(_EPISODE) else path)

    async def _count_tokens(self, request: Request, reply: Reply) -> None:
        """Small and free: read whole, so that it can be tried a second time. Where calls that wait have all the room it
        goes through unread: it neither waits for them nor is refused for their sake."""
        if 0 <= request.head.length <= self._config.gateway.sizes.body:
            if not self._memory.take(request.head.length):
                await self._pass(request, reply, request, tries=2)
                return
            self._memory.give(request.head.length)
        body = await self._read(request, reply)
        if body is not None:
            try:
                await self._pass(request, reply, body, tries=2)
            finally:
                self._memory.give(len(body))

    async def _read_and_carry(self, request: Request, reply: Reply) -> None:
        """A messages request whose body has yet to come, or must be refused."""
        body = await self._read(request, reply)
        if body is None:
            return
        if self._draining:
            self._memory.give(len(body))
            self._unavailable(reply, "it is stopping")
            return
        exchange = self._exchange(request, reply, body)
        del body  # the exchange lets go of it at the commit; a frame that waits would not
        carrying = exchange.start()
        if carrying is not None:
            await carrying

    def _exchange(self, request: Request, reply: Reply, body: RequestBody) -> Exchange:
        means = self._means
        assert means is not None
        try:
            call = self._calls.read(request, body)
        except BaseException:
            self._memory.give(len(body))  # whatever it met, what was held for it is not held for ever
            raise
        self._records.calls += 1
        self._records.own_hold += b"x-seawall-hold" in request.head.lower
        request.forget_head()
        keep = means.settings.finish_abandoned and call.may_inherit and self._calls.loopback
        relay = Relay(reply, id=call.id, streamed=call.facts.streamed, keep=means.kept if keep else None)
        return Exchange(call, relay, means, request.arrived_at)

    async def _read(self, request: Request, reply: Reply) -> RequestBody | None:
        """The request's whole body, or None where it was refused.

        Its bytes are counted as held from now on; who gets them gives them back.
        """
        most, length = self._config.gateway.sizes.body, request.head.length
        if length > most:
            self._too_large(reply)
            return None
        # One in chunks does not say how long it will be: more room is taken as it comes.
        room, taken = length if length >= 0 else min(_FIRST_ROOM, most), 0
        body: RequestBody | None = None
        try:
            while body is None:
                if not self._memory.take(room - taken) and not await self._make_room(room - taken, request):
                    self._unavailable(reply, _MEMORY_FULL, "seawall.memory_full")
                    return None
                taken = room
                try:
                    body = await request.read(room)
                except BodyTooLarge:
                    if room == most:
                        self._too_large(reply)
                        return None
                    room = min(2 * room, most)
        finally:
            self._memory.give(taken if body is None else taken - len(body))
        return body

    async def _make_room(self, size: int, request: Request) -> bool:
        """Take room for a request from who holds most of it, the newest calls first; False where that is its own agent.

        Only calls that wait are told so, with a 503: what runs is worth more than what is new.
        """
        flow = flow_of(request, *session_and_agent(request.head.lower), "")
        while True:
            held: Counter[str] = Counter()
            newest: dict[str, Exchange] = {}
            for exchange in self._exchanges:
                if exchange.may_be_shed:
                    held[exchange.call.flow] += len(exchange.call.body)
                    first = newest.setdefault(exchange.call.flow, exchange)
                    if exchange.arrived_at > first.arrived_at:
                        newest[exchange.call.flow] = exchange
            largest = max(held, key=held.__getitem__, default=flow)
            if largest == flow or held[largest] <= held[flow] + size:
                return False
            newest[largest].shed(f"{_MEMORY_FULL}, most of them by this agent")
            for _ in range(3):  # until its task has let go of it
                await asyncio.sleep(0)
            if self._memory.take(size):
                return True

    def _too_large(self, reply: Reply) -> None:
        message = f"Seawall: the request is larger than {self._config.gateway.sizes.body >> 20} MB."
        self._refuse(reply, Refusal(413, "request_too_large", message))

    async def _pass(self, request: Request, reply: Reply, body: RequestBody | Request, *, tries: int) -> None:
        """Any other request: through, with one more try where nothing of it was sent."""
        pool, head = self._pool, request.head
        assert pool is not None
        streamed = isinstance(body, Request)
        length = head.length if isinstance(body, Request) else len(body)
        sent = self._calls.upstream_head(head, length, identity=False)
        told = Told(self._calls.new_id())
        text, evidence = "", Evidence(Phase.CONNECT)
        for number in range(1, tries + 1):
            try:
                # A body that passes through cannot be sent twice: it gets a connection that is surely open.
                connection = await pool.acquire(fresh=number > 1 or streamed)
            except DialError as error:
                text, evidence = error.text, error.evidence
                continue
            passage = Passage(reply, told.headers(), self._config.gateway.idle)
            self._passages.add(passage)
            try:
                passage.send(connection, sent, head.method, body)
                broken = await passage.ended
            finally:
                passage.cancel()
                self._passages.discard(passage)
            if broken is None or broken.answer_begun:
                return
            text, evidence = broken.text, broken.evidence
            if streamed:
                break
        cause = match(evidence)
        body_out = errors.envelope("api_error", f"Seawall: {text}.")
        reply.answer(503, [*_JSON, *Told(told.id, number, cause=cause).headers()], body_out)

    async def _answer_locally(self, route: LocalHandler, request: Request, reply: Reply) -> None:
        if await answer_locally(route, request, reply):
            return
        assert self._guard is not None
        refusal = self._guard.refusal(request.head)
        if refusal is not None:
            self._refuse(reply, refusal)
        else:
            await self._pass(request, reply, request if request.head.length else b"", tries=2)

    # -- refusals -------------------------------------------------------------------------------------------------

    def _refuse(self, reply: Reply, refusal: Refusal) -> None:
        body = errors.envelope(refusal.type, refusal.message)
        headers = [*_JSON, b"x-should-retry: false", *Told(self._calls.new_id()).headers()]
        reply.answer(refusal.status, headers, body)

    def _unavailable(self, reply: Reply, why: str, cause: str = "seawall.stopping") -> None:
        # Never 529: Claude Code counts those.
        hold = self._config.gateway.hold
        wait = self._rng.randint(hold.retry_after_least, hold.retry_after_most)
        headers = [*_JSON, b"retry-after: %d" % wait, *Told(self._calls.new_id(), cause=cause).headers()]
        reply.answer(503, headers, errors.envelope("api_error", f"Seawall: {why}."))

    def _refuse_head(self, status: int, why: str) -> bytes:
        """The whole answer to a request that cannot be read or carried; its connection closes."""
        body = errors.envelope(errors.type_of(status), f"Seawall: {why}.")
        headers = [*_JSON, b"content-length: %d" % len(body), b"connection: close"]
        return (
            format_head(b"HTTP/1.1 %d Refused" % status, headers + Told(self._calls.new_id()).headers())
            + body
        )

    # -- time -----------------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        loop, idle = asyncio.get_running_loop(), self._config.gateway.idle
        self._ticker = loop.call_later(idle.tick, self._tick)
        now = loop.time()
        if self._woke_up():
            self._after_sleep()
        for exchange in tuple(self._exchanges):
            exchange.tick(now)
        for passage in tuple(self._passages):
            passage.tick(now)
        assert self._server is not None
        assert self._pool is not None
        self._server.tick(now)
        self._pool.tick(now)
        if self._fallbacks is not None:
            self._fallbacks.tick(now)
        self._places.tick(now)
        if now - self._flushed_at >= _FLUSH_EVERY:
            self._flushed_at = now
            self._records.flush()

    def _woke_up(self) -> bool:
        ahead = self._clock.wall() - self._clock.now()
        before, self._ahead = self._ahead, ahead
        return before is not None and ahead - before > _SLEPT

    def _after_sleep(self) -> None:
        """Other ends have forgotten us: drop what is idle, and what had not begun to answer."""
        assert self._pool is not None
        self._pool.close_idle()
        if self._fallbacks is not None:
            self._fallbacks.close_idle()
        for exchange in tuple(self._exchanges):
            exchange.slept()

"""The routes by which a gateway is found, asked and kept: challenge, status, lease; and what teammates may know."""

import asyncio
import hmac
import json
from collections.abc import AsyncGenerator, Callable, Mapping

from seawall.clock import Clock
from seawall.gateway.local import LocalHandler, LocalRequest, LocalResponse
from seawall.gateway.runtime import proof

NONCE_MOST = 128
BEAT = 5.0
"""Seconds between the bytes of a lease, so that a connection that died unseen is noticed by writing."""
PEERS = 15
"""Minutes that teammates are told of."""


def _json(status: int, value: object) -> LocalResponse:
    return LocalResponse(status, "application/json", json.dumps(value).encode())


def _refused(status: int, message: str) -> LocalResponse:
    kind = "seawall" if status >= 500 else "usage"
    return _json(
        status, {"schema": "seawall.error/1", "error": {"code": status, "class": kind, "message": message}}
    )


def shared(status: Mapping[str, object], now: float) -> list[dict[str, object]]:
    """Attempts of the last minutes by cause and route, success as an empty cause: all that teammates learn."""
    recent, troubles = status.get("recent"), status.get("troubles")
    minutes = recent.get("minutes") if isinstance(recent, dict) else None
    succeeded = sum(pair[0] for pair in (minutes or [])[-PEERS:])
    route = str(status.get("upstream", "")).partition("://")[2].partition("/")[0]
    counts: list[dict[str, object]] = []
    if succeeded:
        counts.append({"cause": "", "route": route, "attempts": succeeded})
    for one in troubles if isinstance(troubles, list) else []:
        if one["last"] >= now - 60 * PEERS and one["failures"]:
            counts.append({"cause": one["cause"], "route": one["route"], "attempts": one["failures"]})
    return counts


class Sharing:
    """Who uses this gateway, by the connections that `seawall run` holds open while its command lives."""

    def __init__(
        self, token: str, status: Callable[[], Mapping[str, object]], clock: Clock, team: str = ""
    ) -> None:
        self._token = token
        self._team = team
        """What teammates show to learn counts; empty: nobody does."""
        self._status = status
        self._clock = clock
        self.leases = 0
        self.closing = False
        """No lease is given any more: whoever asks must find or start another gateway."""
        self._unused_since = clock.now()

    def routes(self) -> dict[str, LocalHandler]:
        """The paths that these are served under."""
        return {
            "/api/v1/challenge": self._challenge,
            "/api/v1/lease": self._lease,
            "/api/v1/peers": self._peers,
        }

    def told(self) -> dict[str, object]:
        """The gateway's status, and who uses it."""
        return {**self._status(), "leases": self.leases}

    def unused_for(self) -> float:
        """Seconds since the last lease ended; 0 while there is one."""
        return 0.0 if self.leases else self._clock.now() - self._unused_since

    def _trusted(self, request: LocalRequest) -> bool:
        given = request.headers.get("x-seawall-token", "")
        return hmac.compare_digest(given.encode(), self._token.encode())

    async def _challenge(self, request: LocalRequest) -> LocalResponse:
        nonce = request.query.get("nonce", "")
        if request.method != "GET" or not 16 <= len(nonce) <= NONCE_MOST:
            return _refused(400, "GET with a nonce of 16 to 128 characters")
        return LocalResponse(200, "text/plain", proof(self._token, nonce).encode())

    async def _peers(self, request: LocalRequest) -> LocalResponse:
        given = request.headers.get("x-seawall-token", "")
        if not self._team:
            return _refused(404, "this gateway shares nothing: team.share and team.token are not set")
        if not hmac.compare_digest(given.encode(), self._team.encode()):
            return _refused(401, "x-seawall-token is missing or wrong")
        counts = shared(self._status(), self._clock.wall())
        return _json(200, {"schema": "seawall.peers/1", "minutes": PEERS, "counts": counts})

    async def _lease(self, request: LocalRequest) -> LocalResponse | AsyncGenerator[bytes, None]:
        if not self._trusted(request):
            return _refused(401, "x-seawall-token is missing or wrong")
        if self.closing:
            return _refused(503, "this gateway is leaving")
        return self._kept()

    async def _kept(self) -> AsyncGenerator[bytes, None]:
        self.leases += 1
        try:
            while True:
                yield b"\n"
                await asyncio.sleep(BEAT)
        finally:
            self.leases -= 1
            if not self.leases:
                self._unused_since = self._clock.now()

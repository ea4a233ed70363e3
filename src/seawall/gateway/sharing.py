"""The routes by which a gateway is found, asked and kept: challenge, status, lease."""

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


def _json(status: int, value: object) -> LocalResponse:
    return LocalResponse(status, "application/json", json.dumps(value).encode())


def _refused(status: int, message: str) -> LocalResponse:
    return _json(status, {"schema": "seawall.error/1", "error": {"code": status, "message": message}})


class Sharing:
    """Who uses this gateway, by the connections that `seawall run` holds open while its command lives."""

    def __init__(self, token: str, status: Callable[[], Mapping[str, object]], clock: Clock) -> None:
        self._token = token
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
            "/api/v1/status": self._state,
            "/api/v1/lease": self._lease,
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

    async def _state(self, request: LocalRequest) -> LocalResponse:
        if not self._trusted(request):
            return _refused(401, "x-seawall-token is missing or wrong")
        return _json(200, {"schema": "seawall.status/1", **self.told()})

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

"""Who may come in: which `Host`, which `Origin`, which credential on which listener."""

import hmac
from dataclasses import dataclass

from seawall.config import Config
from seawall.http.head import RequestHead
from seawall.origin import is_loopback
from seawall.upstream.elsewhere import SUBSCRIPTION

_THEIRS = "api.anthropic.com"


@dataclass(frozen=True, slots=True)
class Refusal:
    status: int
    type: str
    message: str


def credential(head: RequestHead) -> bytes:
    """What the request authenticates with; empty for none."""
    found = head.lower.get(b"authorization") or head.lower.get(b"x-api-key") or b""
    return found[7:].strip() if found[:7].lower() in (b"bearer ", b"bearer\t") else found


class Guard:
    """The rules of one listener."""

    def __init__(self, config: Config, bound: list[tuple[str, int]], upstream_host: str) -> None:
        gateway = config.gateway
        self.loopback = all(is_loopback(host) for host, _ in bound)
        self._token = config.team.token.encode()
        self._origins = frozenset(origin.encode() for origin in gateway.origins)
        names = {"localhost", "127.0.0.1", "[::1]", *gateway.hosts}
        names |= {f"[{host}]" if ":" in host else host for host, _ in bound}
        ports = {port for _, port in bound}
        self._hosts = frozenset(
            text.lower().encode() for name in names for text in (name, *(f"{name}:{p}" for p in ports))
        )
        self._subscriptions = self.loopback and (
            upstream_host == _THEIRS or gateway.upstream_is_clients or is_loopback(upstream_host)
        )

    def refusal(self, head: RequestHead, *, own: bool = False) -> Refusal | None:
        """Why this request is not carried, if so. `own`: it is for a route of ours, which asks for its own token."""
        lower = head.lower
        if lower[b"host"].lower() not in self._hosts:
            return Refusal(
                403,
                "permission_error",
                "Seawall does not answer to this Host; gateway.hosts names those it does.",
            )
        origin = lower.get(b"origin")
        # Our own page names the address that it was loaded from, which is in the allowed set.
        from_here = (
            own and origin is not None and origin.partition(b"://")[2].lower() == lower[b"host"].lower()
        )
        if origin is not None and origin not in self._origins and not from_here:
            return Refusal(403, "permission_error", "Seawall does not serve web pages of other origins.")
        if own:
            return None
        if not self.loopback and not hmac.compare_digest(lower.get(b"x-seawall-token", b""), self._token):
            return Refusal(401, "authentication_error", "Seawall: x-seawall-token is missing or wrong.")
        if not self._subscriptions and any(SUBSCRIPTION in value for _, value in head.fields):
            return Refusal(
                403,
                "permission_error",
                "Seawall carries the token of a claude.ai login only on its own user's loopback address and only to"
                " the address that the client would use without it. Use an API key here.",
            )
        return None

"""Where calls of this gateway may go instead, made ready: lane, head, body and connections of an attempt there."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from seawall.config import Config, upstream_address
from seawall.gateway.accounts import Accounts
from seawall.gateway.admission import Admission, Permit
from seawall.gateway.call import Call
from seawall.gateway.memory import Memory
from seawall.gateway.records import LaneKey
from seawall.http.pool import Pool
from seawall.origin import Origin, is_loopback
from seawall.policy.outcome import Outcome
from seawall.policy.route import Go, Sender, Skip, Stay, Target, after_failure, choose, next_due, read
from seawall.upstream import elsewhere
from seawall.wire.request import RequestBody, named
from seawall.wire.translate import Asks, Refused, translated
from seawall.wire.translate import read as read_asks

if TYPE_CHECKING:
    from seawall.gateway.away import Away

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,99}")
"""A model's name that may stand in a header; a client may write anything there."""
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  recognised, not bound


@dataclass(frozen=True, slots=True)
class _Address:
    """Another address, and what only it is given."""

    origin: Origin
    base: bytes
    key: str
    account: str
    pool: Pool
    via: bytes

    @property
    def shown(self) -> str:
        """Host, and port where it is not the usual one: two gateways of one machine are two addresses."""
        return self.origin.authority.removesuffix(":443" if self.origin.scheme == "https" else ":80")


class Fallbacks:
    """The targets of a gateway, with their keys and connections. Made while its loop runs."""

    def __init__(
        self,
        config: Config,
        keys: Mapping[int, str],
        accounts: Accounts,
        listens: Sequence[tuple[str, int]],
        via: Callable[[str], bytes],
    ) -> None:
        """`via`: what a host is told, so that a request that comes back from it is known."""
        self.loopback = all(is_loopback(host) for host, _ in listens)
        self._rest = config.gateway.backoff.most
        self._addresses: dict[int, _Address] = {}
        usable: list[Target] = []
        for target in read(config)[0]:
            if target.upstream:
                origin, base = upstream_address(target.upstream)
                key = keys.get(target.table)
                if key is None or is_one_of(origin, listens):
                    continue
                pool = Pool(origin, config.network, config.gateway.idle, config.gateway.sizes)
                account = accounts.hash(key.encode())
                self._addresses[target.number] = _Address(
                    origin, base.encode(), key, account, pool, via(origin.host)
                )
            usable.append(target)
        self.targets = tuple(usable)
        """Those that a call may take, in their order."""

    def away(
        self, call: Call, admission: Admission, memory: Memory, take: Callable[[Permit], bool]
    ) -> "Away":
        """What a call may do elsewhere; `take` is given a permit that comes while it waits."""
        from seawall.gateway.away import Away  # which is built on this module

        detour = Detour(
            self,
            head=call.head,
            body=call.body,
            plain=call.plain,
            tokens=call.facts.tokens,
            lane=call.lane,
        )
        return Away(detour, admission, memory, take, self._rest)

    def address(self, target: Target) -> _Address | None:
        """Of a target that is another; None for the call's own."""
        return self._addresses.get(target.number)

    def tick(self, now: float) -> None:
        """Close connections that were idle for too long."""
        for address in self._addresses.values():
            address.pool.tick(now)

    def close_idle(self) -> None:
        """After a sleep, other ends are gone."""
        for address in self._addresses.values():
            address.pool.close_idle()

    def close(self) -> None:
        """Close every connection to other addresses, for good."""
        for address in self._addresses.values():
            address.pool.close()


@dataclass(frozen=True, slots=True)
class Way:
    """What an attempt at a target needs."""

    target: Target
    lane: LaneKey
    head: bytes
    body: bytes
    pool: Pool | None
    """None: that of the call's own address."""
    told: str
    """For `x-seawall-fallback` and the store."""


class Detour:
    """What one call may do elsewhere, and what it has tried there."""

    __slots__ = (
        "_asks",
        "_body",
        "_fallbacks",
        "_head",
        "_lane",
        "_plain",
        "_sender",
        "_tokens",
        "_tried",
        "skipped",
    )

    def __init__(
        self,
        fallbacks: Fallbacks,
        *,
        head: bytes,
        body: RequestBody,
        plain: RequestBody | None,
        tokens: int,
        lane: LaneKey,
    ) -> None:
        """`head` as it is sent to the call's own address; `plain` is `body` where that has no coding."""
        self._fallbacks = fallbacks
        self._head, self._body, self._plain, self._lane = head, body, plain, lane
        self._tokens = tokens
        self._asks: Asks | Refused | None = None
        self._sender: Sender | None = None
        self._tried: dict[int, float] = {}
        self.skipped: list[str] = []
        """A sentence for each target that was due and could not take the call."""

    @property
    def most(self) -> int:
        """How many targets there are."""
        return len(self._fallbacks.targets)

    def next(self, outcome: Outcome, held: float, passed: Collection[int] = ()) -> Go | None:
        """Where the call goes after `outcome`, held so long; None: it stays. `passed`: targets that are passed by."""
        targets = self._fallbacks.targets
        if passed:
            targets = tuple(target for target in targets if target.number not in passed)
        due = next_due(targets, outcome, self._tried)
        if due is None or due > held:
            return None
        if self._asks is None or self._sender is None:  # most calls never come so far
            self._asks = read_asks(self._body, self._plain, elsewhere.betas(self._head), self._tokens)
            self._sender = Sender(elsewhere.has_subscription(self._head), self._fallbacks.loopback)
        decision = choose(targets, outcome, held, self._asks, self._sender, self._tried)
        for skip in decision.skipped:
            self._strike(skip)
        return None if isinstance(decision, Stay) else decision

    def lane(self, go: Go) -> LaneKey:
        """Where an attempt there stands in line."""
        address, model = self._fallbacks.address(go.target), self._model(go)
        if address is None:
            return LaneKey(self._lane.route, self._lane.account, *named(model))
        return LaneKey(address.shown, address.account, *named(model))

    def way(self, go: Go) -> Way | None:
        """The attempt, ready to be sent; None where it cannot be made after all, and the target is struck off."""
        body = translated(self._body, model=go.model, without_user=go.without_user)
        if isinstance(body, Refused):
            self._strike(Skip(go.target, body.reason))
            return None
        address, model = self._fallbacks.address(go.target), self._model(go)
        if address is None:
            head = elsewhere.for_same_address(self._head, len(body))
            return Way(go.target, self.lane(go), head, body, None, f"model={model}")
        host = address.shown
        head = elsewhere.for_another_address(
            self._head, len(body), host.encode(), address.base, address.key, address.via
        )
        told = f"upstream={host} model={model}" if _NAME.fullmatch(model) else f"upstream={host}"
        return Way(go.target, self.lane(go), head, body, address.pool, told)

    def failed(self, target: Target, outcome: Outcome, status: int | None, held: float, rest: float) -> None:
        """An attempt there failed: it rests, or is struck off."""
        self._tried[target.number] = after_failure(target, outcome, status, held, rest)

    def _strike(self, skip: Skip) -> None:
        self._tried[skip.target.number] = inf
        self.skipped.append(skip.sentence)

    def _model(self, go: Go) -> str:
        return go.model or (self._asks.model if isinstance(self._asks, Asks) else "")


def is_one_of(origin: Origin, listens: Sequence[tuple[str, int]]) -> bool:
    """Whether that is an address at which this gateway itself listens."""
    here = is_loopback(origin.host)
    return any(
        port == origin.port and (host == origin.host or (here and (is_loopback(host) or host in _EVERYWHERE)))
        for host, port in listens
    )

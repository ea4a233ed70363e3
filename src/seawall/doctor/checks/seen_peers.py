"""Do teammates' calls fail too? Asks the gateways of `[team] peers` for counts of the last 15 minutes.

`GET /api/v1/peers` of each, a second at most; any answer is borne. It is
`{"counts": [{"cause": "provider.overloaded" or "", "route": "api.anthropic.com", "attempts": 3}, ...]}`.
Facts: `asked`, `answered`, `failing`, `fine`, `causes`. A strong sign for the cause that most who fail name; where all
that answer are fine, a strong one against `provider.*`. The team's token goes along over https and to loopback only.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seawall import __version__
from seawall.causes.cause import codes
from seawall.doctor.check import Check, Direction, Finding, Probe, Sign, State, Weight
from seawall.doctor.reach import ask
from seawall.origin import Origin, is_loopback

SECONDS = 1.0
MOST = 20
"""Peers that are asked."""
_BAD_SHARE = 0.25
"""A teammate fails where at least this share of the attempts did."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A teammate's last 15 minutes: attempts, those that failed, and the most frequent cause of those."""

    attempts: int
    failed: int
    cause: str = ""

    @property
    def fails(self) -> bool:
        return self.failed > 0 and self.failed >= _BAD_SHARE * self.attempts


def read(body: bytes, route: str) -> Peer:
    """What a teammate's gateway says of this route; `ValueError` for what is no such answer."""
    value = json.loads(body)
    rows = value.get("counts") if isinstance(value, dict) else None
    if not isinstance(rows, list):
        raise ValueError("no counts")
    total, failed = 0, Counter[str]()
    for row in rows[:1000]:
        if not isinstance(row, dict) or not _is(row.get("route", route), route):
            continue
        count, cause = row.get("attempts"), row.get("cause") or ""
        if not isinstance(count, int) or isinstance(count, bool) or not 0 < count < 1 << 40:
            continue
        total += count
        if cause:
            failed[cause if isinstance(cause, str) and cause in codes() else ""] += count
    most = next((cause for cause, _ in failed.most_common() if cause), "")
    return Peer(total, failed.total(), most)


def _is(route: object, host: str) -> bool:
    """Whether a route is to this host; one with another port than usual names it."""
    return isinstance(route, str) and (route == host or route.startswith((f"{host}:", f"[{host}]:")))


async def _one(address: str, probe: Probe) -> Peer | None:
    config = probe.subject.config
    try:
        origin, path = Origin.parse(address)
    except ValueError:
        return None
    headers = {"accept": "application/json", "user-agent": f"seawall-doctor/{__version__}"}
    if config.team.token and (origin.scheme == "https" or is_loopback(origin.host)):
        headers["x-seawall-token"] = config.team.token
    answer = await ask(origin, config.network, "GET", f"{path}/api/v1/peers", headers, seconds=SECONDS)
    if answer.status != 200:
        return None
    try:
        return read(answer.body, probe.subject.api.host)
    except (ValueError, RecursionError):
        return None


def signs_of(active: Sequence[Peer]) -> tuple[Sign, ...]:
    """What those teammates who called lately speak for."""
    failing = [one for one in active if one.fails]
    causes = Counter(one.cause for one in failing if one.cause)
    of = (
        f"{len(failing)} of {len(active)} teammates"
        if len(active) > 1
        else "the one teammate who called lately"
    )
    if causes:
        cause, _ = causes.most_common(1)[0]
        return (Sign(cause, f"{of} {'fail' if len(active) > 1 else 'fails'} too"),)
    if active and not failing:
        who = f"{len(active)} teammates'" if len(active) > 1 else "a teammate's"
        return (
            Sign("provider.*", f"{who} calls succeed: only yours fail", Weight.STRONG, Direction.AGAINST),
        )
    return ()


async def run(probe: Probe) -> Finding:
    peers = probe.subject.config.team.peers[:MOST]
    if not peers:
        return Finding(State.SKIP, "no team configured")
    answers = await asyncio.gather(*(_one(address, probe) for address in peers))
    known = [one for one in answers if one is not None]
    active = [one for one in known if one.attempts]
    failing = [one for one in active if one.fails]
    facts: dict[str, Any] = {
        "asked": len(peers), "answered": len(known), "failing": len(failing), "fine": len(active) - len(failing),
        "causes": dict(Counter(one.cause for one in failing if one.cause)),
    }  # fmt: skip
    if not known:
        return Finding(State.SKIP, "no teammate's gateway answered", facts)
    if not active:
        return Finding(State.OK, "no teammate called lately", facts)
    text = f"{len(failing)} of {len(active)} who called lately fail"
    return Finding(State.WARN if failing else State.OK, text, facts, signs_of(active))


CHECK = Check("seen.peers", "teammates", run, to=("peers",))

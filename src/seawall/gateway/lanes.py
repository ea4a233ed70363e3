"""What is told of lanes and of those who wait: plain values for `status`, `watch` and the page."""

import hashlib
import math
from collections.abc import Iterable
from typing import Any

from seawall.gateway.admission import Gate
from seawall.gateway.exchange import Exchange
from seawall.gateway.records import client_name
from seawall.policy.lane import Wait
from seawall.policy.limiter import State
from seawall.policy.queue import Ticket

_LANES = 100
_AGENTS = 10
_WAITING = 50
_LATELY = 600.0
_NOW = 0.05
"""Seconds that would be shown as none."""
_BEHIND = "behind others"
_OURS = ("backoff", "breaker", "host", "limiter", "budget", "concurrency", "")
"""What a lane's head may wait for beside a limit of the account's own, which is called by its name."""
_SHOWN = 8
"""Characters of a session's or agent's name: enough to tell it from the others."""


def lanes(gates: Iterable[Gate], now: float) -> list[dict[str, Any]]:
    """The lanes, those in use first; of very many the rest is left out."""
    return [lane(gate, now) for gate in sorted(gates, key=lambda gate: gate.idle)[:_LANES]]


def lane(gate: Gate, now: float) -> dict[str, Any]:
    """One lane as `status --json` has it; seconds from now."""
    law, wait = gate.lane, gate.lane.peek(now)
    head = law.head_cost(now)
    next_in = _seconds(wait.at - now) if wait is not None else None
    return {
        "upstream": gate.key.route,
        "account": gate.key.account,
        "family": gate.key.family,
        "version": gate.key.version,
        "running": law.running,
        "pending": law.load.in_flight - law.running,
        "queued": law.load.queued,
        "queued_by_agent": [
            {"agent": agent_name(flow), "queued": count}
            for flow, count in law.queue.by_flow.most_common(_AGENTS)
        ],
        "limit": law.limit(now),
        "state": _state(gate, wait, now),
        "rate": round(law.limiter.rate, 3),
        "refused_share": round(law.budget.refused_share(now), 3),
        "breaker": "open" if law.breaker.open or law.host.open else "closed",
        "probe_in": _probe_in(gate, now),
        "buckets": [
            {
                "name": b.name,
                "limit": int(b.limit),
                "left": max(0, int(b.level)),
                "wait": round(b.wait(head.of(b.name)), 3) if head is not None else 0.0,
            }
            for b in law.pacer.buckets.values()
        ],
        "blocked_for": round(law.pacer.blocked(now), 3),
        "start_rate": law.pacer.start_rate(now),
        "plan": _plan(gate, now),
        "next_attempt_in": next_in,
        "why": why(gate, wait, now) if wait is not None else "",
        "refused_by": gate.refused_by,
    }


def waiting(exchanges: Iterable[Exchange], now: float) -> tuple[list[dict[str, Any]], int]:
    """Those who wait, the longest first, and how many more there are than are listed."""
    found = sorted((e for e in exchanges if e.waiting), key=lambda e: e.standing.started_at)
    told = {id(e.gate): e.gate.lane.peek(now) for e in found[:_WAITING]}
    return [_call(e, told[id(e.gate)], now) for e in found[:_WAITING]], max(0, len(found) - _WAITING)


def next_try_in(gates: Iterable[Gate], now: float) -> float | None:
    """Seconds until somebody who waits may go; None where nobody waits, or nobody knows."""
    waits = [wait.at - now for gate in gates if (wait := gate.lane.peek(now)) is not None]
    return _seconds(min(waits, default=math.inf))


def why(gate: Gate, wait: Wait, now: float, *, is_next: bool = True) -> str:
    """Why the head of this lane's queue waits, in a few words; or another, whose time is not the head's."""
    law, family = gate.lane, gate.key.family or "this model"
    if wait.at - now < _NOW:
        return "goes now" if is_next else _BEHIND
    left = f"{wait.at - now:.1f} s" if wait.at < math.inf else ""
    match wait.why:
        case "concurrency":
            return f"{law.load.in_flight} attempts are under way, the most that gateway.concurrency allows"
        case "host":
            return f"{gate.key.route} cannot be reached: " + (f"next try in {left}" if left else "trying now")
        case "breaker":
            return f"{gate.refused_by} for {family}: " + (f"probe in {left}" if left else "probe under way")
        case "limiter":
            match law.limiter.state(now):
                case State.CALM:
                    return f"starts are spread: {left}" if is_next else f"starts are spread, {_BEHIND}"
                case State.OWN:
                    return f"{gate.refused_by} for {family}, too much at once: next try in {left}"
                case _:
                    return f"{gate.refused_by} for {family}: next try in {left}"
        case "budget":
            return f"too many were refused for {family} lately: next try in {left}"
        case "backoff":
            return f"its own pause: {left}"
        case limit:
            return f"own limit: {limit}, {left if is_next else _BEHIND}"


def agent_name(flow: str) -> str:
    """A flow as a person may see it: the beginnings of names, and of a user's only a hash."""
    kind, _, name = flow.partition(":")
    match kind:
        case "s":
            session, _, agent = name.partition("/a:")
            return f"s:{_plain(session)}" + (f"/a:{_plain(agent)}" if agent else "")
        case "u":
            return "u:" + hashlib.blake2b(name.encode(), digest_size=4).hexdigest()
        case _:
            return f"c:{name[-6:]}"


def _plain(name: str) -> str:
    return "".join(c for c in name if c.isalnum() or c in "-_.")[:_SHOWN]


def told(gate: Gate, ticket: Ticket, wait: Wait | None, now: float) -> tuple[float, str]:
    """In how many seconds a call goes (inf: that hangs on others) and what it waits for, where its lane waits so."""
    own_pause = ticket.not_before - now
    if own_pause > 0 and (wait is None or wait.at <= ticket.not_before):
        return own_pause, f"its own pause: {own_pause:.1f} s"
    if wait is None:
        return math.inf, ""
    # Only of the head is it known when it goes; the others go after it, for the same reason.
    queue = gate.lane.queue
    is_next = queue.size == 1 or queue.head(now) is ticket
    return wait.at - now if is_next else math.inf, why(gate, wait, now, is_next=is_next)


def _call(exchange: Exchange, wait: Wait | None, now: float) -> dict[str, Any]:
    ticket, gate = exchange.ticket, exchange.gate
    assert ticket is not None
    next_in, said = told(gate, ticket, wait, now)
    return {
        "id": exchange.call.id,
        "client": client_name(exchange.call.user_agent),
        "agent": agent_name(ticket.flow),
        "family": exchange.call.facts.family,
        "attempt": exchange.standing.attempts + 1,
        "waited": round(now - exchange.arrived_at, 3),
        "held": round(now - exchange.standing.started_at, 3) if exchange.cause else 0.0,
        "next_in": _seconds(next_in),
        "cause": exchange.cause,
        "class": "deferrable" if ticket.deferrable else "interactive",
        "limit": exchange.call.limit,
        "why": said,
    }


def _state(gate: Gate, wait: Wait | None, now: float) -> str:
    """What keeps calls back here: the service, before a limit of the account's own."""
    law = gate.lane
    if law.breaker.open or law.host.open:
        return "outage"
    state = law.limiter.state(now)
    kept = law.pacer.blocked(now) > 0 or (wait is not None and wait.why not in _OURS)
    return "limited" if state is State.CALM and kept else state.value


def _probe_in(gate: Gate, now: float) -> float | None:
    law = gate.lane
    if not (law.breaker.open or law.host.open):
        return None
    at = max(law.breaker.when(now), law.host.when(now))
    return _seconds(at - now) or 0.0


def _plan(gate: Gate, now: float) -> list[dict[str, Any]]:
    if gate.plan is None:
        return []
    ago = now - gate.plan_at
    return [
        {
            "window": window.name,
            "used": window.used,
            "status": window.status,
            "resets_in": None if window.reset is None else round(max(0.0, window.reset - ago), 1),
        }
        for window in gate.plan.windows
    ]


def begun_anew(gates: Iterable[Gate], now: float) -> bool:
    """Whether a plan's window that was used up has begun anew within the last minutes."""
    return any(
        window.status == "rejected"
        and window.reset is not None
        and 0 <= now - gate.plan_at - window.reset < _LATELY
        for gate in gates
        if gate.plan is not None
        for window in gate.plan.windows
    )


def _seconds(value: float) -> float | None:
    return round(max(0.0, value), 3) if value < math.inf else None

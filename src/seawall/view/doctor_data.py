"""A run of the doctor for programs: `seawall.verdict/1`."""

from typing import Any

from seawall.clock import utc
from seawall.doctor import escalation
from seawall.doctor.case import Case
from seawall.doctor.check import Sign
from seawall.doctor.exact import headline
from seawall.doctor.steps import Advice
from seawall.view.heading import heading


def as_json(case: Case, advised: Advice, code: int) -> dict[str, Any]:
    """The whole object."""
    verdict, cause = case.verdict, case.cause
    said: dict[str, Any] = {
        "cause": verdict.cause,
        "party": verdict.party if cause else None,
        "host": case.host,
        "side": case.side if cause else None,
        "confidence": verdict.confidence,
        "title": headline(case) or (cause.title if cause else "All clear"),
        "retry": cause.retry if cause else None,
        "action": _action(case),
        "do": [
            {"text": one.text or one.command, "command": one.command, "costs_money": one.costs_money}
            for one in advised.do
        ],
        "dont": [{"text": one.text, "reason": one.reason} for one in advised.dont or ()],
        "verify": {"command": "seawall doctor --again", "expect": "exit 0"},
        "decides": " ".join(verdict.decides) or None,
        "escalate": cause.escalate if cause else None,
        "evidence": [_evidence(one, case.now) for one in verdict.evidence],
        "also": list(verdict.also),
    }
    return heading("seawall.verdict/1", case.now) | {
        "ok": verdict.ok,
        "verdict": said,
        "episode": _episode(case),
        "outlook": _outlook(case),
        "escalate": escalation.as_json(case.escalation) if case.escalation else None,
        "recent": _recent(case),
        "checks": [
            {
                "id": one.check.id, "title": one.check.title, "state": one.finding.state,
                "took": round(one.took, 4), "cost": one.check.cost, "summary": one.finding.summary,
                "facts": dict(one.finding.facts),
            }
            for one in case.results
        ],
        "exit_code": int(code),
    }  # fmt: skip


def _action(case: Case) -> dict[str, Any] | None:
    if not case.held:
        return None
    waits = [one for one in case.next_tries if one is not None]
    return {"kind": "hold", "calls": case.held, "next_try_in": min(waits, default=None)}


def _evidence(sign: Sign, now: float) -> dict[str, Any]:
    at = sign.at or now
    return {
        "for": sign.cause, "direction": sign.direction, "weight": sign.weight, "text": sign.text,
        "check": sign.check, "at": utc(at), "age": round(max(0.0, now - at), 1), "facts": dict(sign.facts),
    }  # fmt: skip


def _episode(case: Case) -> dict[str, Any] | None:
    one = case.earlier.current
    if one is None:
        return None
    return {
        "id": one.id, "cause": one.cause, "opened_at": utc(one.opened_at), "age": round(case.now - one.opened_at, 1),
        "attempts": one.attempts, "held": case.held, "lost": one.given_up + one.broken,
    }  # fmt: skip


def _outlook(case: Case) -> dict[str, Any] | None:
    if case.cause is None or case.verdict.decides:
        return None
    from seawall.doctor.earlier import SOURCE, USUAL

    seen, usual = case.earlier.outlook, USUAL.get(case.cause.code)
    if seen.p50 is None and seen.p75 is None and usual is None:
        return None
    own = seen.p50 is not None or seen.p75 is not None
    return {
        "basis": "own" if own else "published",
        "n": seen.count,
        "p50": seen.p50,
        "p75": seen.p75,
        "p90": seen.p90,
        "half_over_after": seen.more,
        "ends_within_5_min_given_age": case.earlier.within_5_min,
        "text": None if own else f"usually {usual} ({SOURCE})",
    }


def _recent(case: Case) -> dict[str, Any] | None:
    seen = case.recently
    if seen is None:
        return None
    last = seen.last
    return {
        "calls": seen.calls,
        "held": seen.held,
        "longest_held": seen.longest,
        "lost": seen.lost,
        "last": {"id": last.id, "cause": last.cause, "opened_at": utc(last.opened_at), "lasted": last.lasted}
        if last
        else None,
    }

"""What `seawall explain` says, for programs: `seawall.verdict/1`."""

from typing import Any

from seawall.causes.cause import Cause
from seawall.causes.verdict import Verdict
from seawall.clock import utc
from seawall.view.heading import heading


def of_text(
    found: Verdict, cause: Cause, masked: str, held_key: bool, now: float, code: int
) -> dict[str, Any]:
    """The verdict on a pasted text; `masked` is the text, without credentials, as far as it may be shown, and
    `held_key` whether there was one in it.
    """
    facts = found.facts
    verdict = _said(cause) | {
        "cause": found.cause,
        "host": facts.hosts[0] if facts.hosts else None,
        "confidence": found.confidence,
        "also": list(found.also),
        "apart": found.apart,
    }
    if found.evidence:
        fact = {"for": found.cause, "direction": "for", "weight": "decisive", "text": found.evidence}
        verdict["evidence"] = [fact | {"check": "text", "at": utc(now)}]
    read = {
        "basis": "text",
        "text": masked,
        "held_key": held_key,
        "status": facts.whole.status,
        "type": facts.whole.type,
        "request_id": facts.request_id,
        "attempt": list(facts.attempt) if facts.attempt else None,
        "resets": facts.resets,
        "errors": [{"cause": one, "count": count} for one, count in found.counts],
    }
    return heading("seawall.verdict/1", now) | {
        "ok": False,
        "verdict": verdict,
        "read": read,
        "exit_code": int(code),
    }


def of_record(cause: Cause, seen: dict[str, Any], now: float, code: int) -> dict[str, Any]:
    """What is on record, `seen`, and what is known of its cause."""
    return heading("seawall.verdict/1", now) | {
        "ok": False,
        "verdict": _said(cause),
        "seen": seen,
        "exit_code": int(code),
    }


def _said(cause: Cause) -> dict[str, Any]:
    return {
        "cause": cause.code,
        "party": cause.party,
        "title": cause.title,
        "retry": cause.retry,
        "action": None,
        "meaning": cause.meaning,
        "do": [
            {"text": one.text, "command": one.command, "costs_money": one.costs_money} for one in cause.do
        ],
        "dont": [{"text": one.text, "reason": one.reason} for one in cause.dont],
        "verify": {"command": cause.verify_command, "expect": cause.verify},
        "wait": cause.wait,
        "escalate": cause.escalate,
        "evidence": [],
        "also": [],
    }

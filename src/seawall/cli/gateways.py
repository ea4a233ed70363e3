"""What the user's own gateways say of themselves, for `status` and `watch`. Asks nobody else."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from seawall.cli.common import ExitCode, exit_code_of
from seawall.view.heading import heading

if TYPE_CHECKING:
    from seawall.gateway.runtime import Record

LIMIT = 0.7
"""Seconds that a gateway may take to answer. One that is well takes a few milliseconds; a busy machine takes its time,
and who works must not be called dead for that."""


def observed(environ: Mapping[str, str], now: float, limit: float = LIMIT) -> list[dict[str, object]]:
    """The state of each gateway, the oldest first; one that gives none in `limit` seconds has `answers` false."""
    from seawall.gateway import runtime

    place = runtime.folder(environ, create=False)
    token = runtime.read_token(place) if place else None
    found: list[dict[str, object]] = []
    for record in runtime.records(place) if place and token else []:
        known = {
            "address": record.address,
            "upstream": record.upstream,
            "pid": record.pid,
            "version": record.version,
            "up": max(0.0, now - record.started_at),
        }
        answer = _asked(record, token or "", limit)
        if isinstance(since := answer.get("since"), (int, float)):
            answer["cause_age"] = max(0.0, now - since)
        found.append(known | answer | {"schema": "seawall.gateway/1"})  # also of one of an older version
    return found


def _asked(record: "Record", token: str, limit: float) -> dict[str, object]:
    from seawall.gateway import runtime

    try:
        talk = runtime.approach(record, token, limit)
        try:
            answer, body = talk.get("/api/v1/status", token)
        finally:
            talk.close()
        value = json.loads(body) if answer == 200 else None
    except (OSError, ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {"answers": False}


def code(found: Sequence[Mapping[str, object]]) -> ExitCode:
    """0, or while something is held the code of its cause's party."""
    held = (exit_code_of(str(one["cause"])) for one in found if one.get("held") and one.get("cause"))
    return max(held, default=ExitCode.OK)


def as_json(
    found: Sequence[Mapping[str, object]], now: float, events: Sequence[Mapping[str, object]] | None = None
) -> str:
    """All of it as one object in one line; `events`: what has happened since the last one, where that is known."""
    whole = heading("seawall.status/1", now) | {
        "running": bool(found),
        "gateways": list(found),
        "exit_code": int(code(found)),
    }
    return json.dumps(whole if events is None else whole | {"events": list(events)})

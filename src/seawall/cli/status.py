"""`seawall status`: what is known already, in one line per gateway; asks nobody but the user's own gateways."""

import json
import os
import time
from collections.abc import Mapping

import click

from seawall import __version__
from seawall.cli.common import Common, ExitCode, common_options, exit_code_of

LIMIT = 0.05
"""Seconds that a gateway may take to answer: the whole command has 80 ms."""


@click.command()
@common_options
def status(common: Common) -> int:
    """What is held right now, in one line. Measures nothing and sends nothing beyond this machine."""
    from seawall.gateway import runtime

    now = time.time()
    found: list[dict[str, object]] = []
    place = runtime.folder(os.environ, create=False)
    token = runtime.read_token(place) if place else None
    for record in runtime.records(place) if place and token else []:
        known = {
            "address": record.address,
            "upstream": record.upstream,
            "pid": record.pid,
            "version": record.version,
            "up": max(0.0, now - record.started_at),
        }
        answer = _asked(record, token or "")
        if isinstance(since := answer.get("since"), (int, float)):
            answer["cause_age"] = max(0.0, now - since)
        found.append(known | answer)
    code = max(
        (exit_code_of(str(one["cause"])) for one in found if one.get("held") and one.get("cause")), default=0
    )
    if common.json:
        whole = {
            "schema": "seawall.status/1",
            "generated_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
            "seawall_version": __version__,
            "running": bool(found),
            "gateways": found,
            "exit_code": int(code),
        }
        click.echo(json.dumps(whole))
    else:
        for one in found:
            click.echo(line(one) + (f" · {one['address']}" if len(found) > 1 else ""))
        if not found:
            click.echo("not running")
    return ExitCode(code)


def _asked(record: "object", token: str) -> dict[str, object]:
    from seawall.gateway import runtime

    assert isinstance(record, runtime.Record)
    try:
        talk = runtime.approach(record, token, LIMIT)
        try:
            answer, body = talk.get("/api/v1/status", token)
        finally:
            talk.close()
        value = json.loads(body) if answer == 200 else None
    except (OSError, ValueError):
        value = None
    return value if isinstance(value, dict) else {"answers": False}


def line(one: Mapping[str, object]) -> str:
    """One gateway in one line: `holding 2 · provider.overloaded 3 min 10 s · up 6 h`."""
    from seawall.view.words import duration

    up = f"up {duration(_seconds(one.get('up')))}"
    if one.get("answers") is False:
        return f"does not answer · {up}"
    held = one.get("held") or 0
    parts = [f"holding {held}"] if held else [f"{up}, nothing held"]
    if one.get("cause"):
        age = duration(_seconds(one.get("cause_age")))
        parts.append(f"{one['cause']} {age}")
    if held:
        parts.append(up)
    store = one.get("store")
    if store == "degraded":
        parts.append("records wait in memory")
    return " · ".join(parts)


def _seconds(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0

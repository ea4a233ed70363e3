"""Calls that cost tokens: only where that was asked for, and with a credential only where `cred.live` may send it."""

import json
from collections.abc import Mapping

from seawall import __version__
from seawall.doctor.check import Probe
from seawall.doctor.checks.cred_live import why_not
from seawall.doctor.reach import Answer, ask
from seawall.wire.models import CURRENT

SECONDS = 5.8
SMALL = CURRENT["haiku"]
"""What is asked where nobody named a model: the cheapest."""


def model(probe: Probe) -> str:
    """The model to ask: the one that was named, or that the client is set to; a family's name is its newest."""
    named = probe.subject.model.strip().removesuffix("[1m]")
    return CURRENT.get(named.lower(), named) or SMALL


def refused(probe: Probe) -> str:
    """Why no tokens are spent; empty where they may be."""
    if not probe.subject.spend:
        return "costs tokens: only with --spend"
    return why_not(probe)


async def call(probe: Probe, content: str, most: int, *, stream: bool) -> Answer:
    """The answer to one message, of `most` tokens at most."""
    subject = probe.subject
    headers: Mapping[str, str] = {
        "x-api-key": subject.variables["ANTHROPIC_API_KEY"].text,
        "anthropic-version": "2023-06-01",
        "content-type": "application/json",
        "accept-encoding": "identity",
        "user-agent": f"seawall-doctor/{__version__}",
    }
    body = {
        "model": model(probe), "max_tokens": most, "stream": stream,
        "messages": [{"role": "user", "content": content}],
    }  # fmt: skip
    return await ask(
        subject.api, subject.config.network, "POST", f"{subject.base_path}/v1/messages", headers,
        json.dumps(body).encode(), seconds=SECONDS,
    )  # fmt: skip

"""What is other than when it last worked: network, VPN, proxy, resolver, who signs, client, settings, credential?

The facts of the last success are kept in a small file (mode 600) in the user's state folder; of variables only a
salted hash. Facts: `last_success` (UTC seconds), `changes`. Weak signs for `network.*`, `machine.*` and `account.*`:
what changed speaks for a cause that has other evidence.
"""

import hashlib
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from seawall.doctor import kept
from seawall.doctor.check import Check, Finding, Probe, Sign, State, Weight, in_thread

NAME = "last-success.json"
_CREDENTIALS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN")
_FACTS = {
    "network": ("net.link", "label", "the network"),
    "interface": ("net.link", "interface", "the interface that leads out"),
    "tunnels": ("net.link", "tunnels", "VPNs and tunnels"),
    "resolvers": ("net.link", "resolvers", "the resolver"),
    "proxy": ("net.proxy", "proxy", "the proxy"),
    "issuer": ("tls.chain", "issuer", "who signs the API's certificate"),
    "client": ("local.client", "version", "Claude Code's version"),
}
_HASHED = ("network",)
"""Of these only that they changed is worth a word."""


def facts_of(probe: Probe, salt: str) -> dict[str, Any]:
    """What is compared: facts of other checks, and a salted hash of each variable that decides where calls go."""
    found = {name: probe.fact(check, fact) for name, (check, fact, _) in _FACTS.items()}
    hashes = {
        name: hashlib.sha256(f"{salt}\0{value.text}".encode()).hexdigest()[:10]
        for name, value in probe.subject.variables.items()
    }
    return {**found, "variables": hashes}


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Party and sentence for each thing that differs; what was not measured on one side is no change."""
    found = []
    for name, (_, _, words) in _FACTS.items():
        was, is_ = before.get(name), now.get(name)
        if was == is_ or (name not in ("tunnels", "proxy") and not (was and is_)):
            continue
        how = "is another" if name in _HASHED else f"was {_shown(was)}, is {_shown(is_)}"
        found.append(("machine" if name == "client" else "network", f"{words} {how}"))
    was_set, is_set = before.get("variables"), now.get("variables")
    if isinstance(was_set, dict) and isinstance(is_set, dict):
        for name in sorted({*was_set, *is_set}):
            if was_set.get(name) != is_set.get(name):
                how = "is new" if name not in was_set else "is gone" if name not in is_set else "is another"
                found.append(("account" if name in _CREDENTIALS else "machine", f"{str(name)[:60]} {how}"))
    return found


def _shown(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")
    return "".join(char for char in text[:80] if char.isprintable()) or "none"


def worked(probe: Probe) -> bool:
    """Whether the API was reached now, and nothing speaks against the credential."""
    states = {name: one.state for name, one in probe.found.items()}
    return states.get("api.edge") is State.OK and State.FAIL not in (
        states.get("cred.live"),
        states.get("cred.shape"),
    )


async def run(probe: Probe) -> Finding:
    subject = probe.subject
    if subject.state is None or subject.given_url or subject.offline:
        return Finding(State.SKIP, "nothing is kept of this run")
    path = subject.state / NAME
    before: dict[str, Any] = await in_thread(lambda: kept.read(path)) or {}
    salt = before.get("salt")
    salt = salt if isinstance(salt, str) and len(salt) == 32 else os.urandom(16).hex()
    now = facts_of(probe, salt)
    if worked(probe):
        value = {"at": time.time(), "salt": salt, "facts": now}
        with suppress(OSError):  # a full disk is another check's
            await in_thread(lambda: kept.write(path, value))
        return Finding(State.OK, "it works now; this is what will be compared", {"changes": []})
    at, was = before.get("at"), before.get("facts")
    if not isinstance(at, (int, float)) or not isinstance(was, dict) or at > time.time() + 60:
        return Finding(State.SKIP, "no success was measured before")
    found = changes(was, now)
    facts = {"last_success": at, "changes": [text for _, text in found]}
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
    if not found:
        return Finding(State.OK, f"nothing since it worked ({when})", facts)
    signs = tuple(
        Sign(f"{party}.*", f"since it worked ({when}): {text}", Weight.WEAK) for party, text in found[:6]
    )
    return Finding(State.WARN, f"since it worked ({when}): {found[0][1]}", facts, signs)


CHECK = Check(
    "seen.changes",
    "what changed",
    run,
    after=(
        "net.link",
        "net.dns",
        "net.proxy",
        "tls.chain",
        "api.edge",
        "cred.live",
        "cred.shape",
        "local.client",
    ),
)

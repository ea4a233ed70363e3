"""What the command behind `seawall run` is given: its environment and arguments, and what to say about them.

Claude Code reads addresses from its settings files too (`claude_code.settings`), and those win over the environment.
Facts in, plan out.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seawall.claude_code.settings import CLOUDS, ClaudeSettings, cloud
from seawall.gateway.runtime import LOOPBACK
from seawall.settings import RUN_ADDRESS, RUN_UPSTREAM, clients_upstream

FALLBACK_HOLD = 20.0
"""Seconds. Claude Code changes to its fallback model only when it sees the failure: a long hold would hide it."""

# Off by default behind a gateway, because some gateways break them; this one passes everything through.
SWITCHES = {
    "ENABLE_TOOL_SEARCH": "true",
    "CLAUDE_CODE_ENABLE_FINE_GRAINED_TOOL_STREAMING": "1",
    "CLAUDE_CODE_GATEWAY_HINT_HEADERS": "1",
}

# Of the environment in the settings, what decides where calls go and through what.
_ROUTING = (
    "ANTHROPIC_BASE_URL", "ANTHROPIC_CUSTOM_HEADERS", "https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY",
    "no_proxy", "NO_PROXY", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", *CLOUDS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Child:
    """The command as it will be started."""

    arguments: tuple[str, ...]
    environ: Mapping[str, str]


def is_claude(command: Sequence[str]) -> bool:
    """Whether the command is Claude Code itself, which reads settings files."""
    return Path(command[0]).name.lower() in ("claude", "claude.exe", "claude.cmd")


def client_environ(environ: Mapping[str, str], settings: ClaudeSettings) -> dict[str, str]:
    """The environment by which the child's client would find its way without Seawall."""
    return {**environ, **{name: settings.env[name] for name in _ROUTING if name in settings.env}}


def option(arguments: Sequence[str], name: str) -> str | None:
    """The value of an option among a command's arguments; empty where it stands last."""
    for index, argument in enumerate(arguments):
        if argument == "--":
            return None
        if argument == name:
            return arguments[index + 1] if index + 1 < len(arguments) else ""
        if argument.startswith(name + "="):
            return argument[len(name) + 1 :]
    return None


def names_fallback(command: Sequence[str], settings: ClaudeSettings) -> bool:
    """Whether the command would change to another model when this one fails."""
    return settings.fallback or option(command[1:], "--fallback-model") is not None


def why_uncovered(command: Sequence[str], environ: Mapping[str, str], settings: ClaudeSettings) -> str | None:
    """Why Claude Code would not come to this gateway, whatever it is told; None where it will.

    `environ` is the one that the client goes by (`client_environ`).
    """
    if name := cloud(environ):
        return f"{name} is set, so Claude Code does not use ANTHROPIC_BASE_URL"
    if "ANTHROPIC_BASE_URL" in settings.managed:
        return "managed settings of Claude Code set ANTHROPIC_BASE_URL"
    if "ANTHROPIC_BASE_URL" in settings.env and option(command[1:], "--settings") is not None:
        return "Claude Code's settings set ANTHROPIC_BASE_URL, and the command has a --settings of its own"
    if "ANTHROPIC_BASE_URL" in (option(command[1:], "--settings") or ""):
        return "the command's own --settings sets ANTHROPIC_BASE_URL"
    return None


def with_loopback(no_proxy: str) -> str:
    """The list of names that need no proxy, with this machine's own among them."""
    names = [name.strip() for name in no_proxy.split(",") if name.strip()]
    return ",".join([*names, *(name for name in LOOPBACK if name not in names)])


def with_hold(headers: str, hold: float | None) -> str:
    """The custom headers of Claude Code with the hold of this run; those of the user stay."""
    if hold is None:
        return headers
    kept = [line for line in headers.splitlines() if not line.lower().startswith("x-seawall-hold:")]
    return "\n".join([*kept, f"x-seawall-hold: {hold:g}s"])


def prepare(
    command: Sequence[str],
    environ: Mapping[str, str],
    settings: ClaudeSettings,
    address: str,
    hold: float | None,
) -> Child:
    """The command and its environment, led to the gateway at `address`. Nothing of the user's is lost."""
    goes_by = client_environ(environ, settings)
    lower, upper = goes_by.get("no_proxy", ""), goes_by.get("NO_PROXY", "")  # programs read one or the other
    ours = {
        "ANTHROPIC_BASE_URL": address,
        RUN_ADDRESS: address,
        RUN_UPSTREAM: clients_upstream(goes_by)[0],
        "NO_PROXY": with_loopback(upper or lower),
        "no_proxy": with_loopback(lower or upper),
    }
    if headers := with_hold(goes_by.get("ANTHROPIC_CUSTOM_HEADERS", ""), hold):
        ours["ANTHROPIC_CUSTOM_HEADERS"] = headers
    switches = {name: value for name, value in SWITCHES.items() if name not in environ}
    # A variable in the settings wins over the same one in the environment; --settings wins over both.
    lost = {name: value for name, value in ours.items() if settings.env.get(name, value) != value}
    arguments = tuple(command)
    if lost and is_claude(command) and option(command[1:], "--settings") is None:
        arguments = (command[0], "--settings", json.dumps({"env": lost}), *command[1:])
    return Child(arguments, {**environ, **switches, **ours})

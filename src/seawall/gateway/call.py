"""A messages call as facts: who makes it, whose share of a lane it takes, how long its client waits."""

import msgspec

from seawall.config import Hold
from seawall.gateway.places import Caller, Key
from seawall.gateway.records import LaneKey
from seawall.http.request import Request
from seawall.policy.hold import Client, Patience, plan, stated_limit
from seawall.wire import request as wire
from seawall.wire.request import Facts, RequestBody

_NAME = 256
"""Characters of a name that tell one agent from another."""


class Call(msgspec.Struct, frozen=True):
    """A messages request, as facts. A Struct is made in a fifth of a frozen dataclass's time (0.6 us for 3.1)."""

    id: str
    head: bytes
    """The request's head as it is sent upstream."""
    body: RequestBody
    plain: RequestBody | None
    """The body without its coding; None where that cannot be had."""
    facts: Facts
    caller: Caller
    lane: LaneKey
    flow: str
    """Whose share of the lane it takes: an agent, a session, else its client's connection."""
    deferrable: bool
    """Nobody waits for it now: others go first."""
    patience: Patience
    limit: float
    """Seconds that a call that is not streamed may take."""
    user_agent: bytes
    may_inherit: bool
    """Whether an equal request is surely the same call again: a session, or the client's own count of retries."""

    def key(self) -> Key:
        """What an equal request of the same caller has in common with it."""
        return self.caller, wire.digest(self.body)

    def twin_key(self) -> Key:
        """The same of a call and its not streamed twin."""
        return self.caller, wire.twin_digest(self.plain)

    @property
    def acts_twice(self) -> bool:
        """Whether carrying it out twice could act twice: then it is not sent again without a verdict."""
        return not self.facts.streamed and wire.acts_on_server(self.plain)


def patience_of(
    timeout: bytes | None,
    read_timeout: bytes | None,
    is_claude_code: bool,
    loopback: bool,
    auxiliary: bool,
    asked: bytes | None,
    deferrable: bool,
    params: Hold,
    usual_limit: float,
) -> tuple[float, Patience]:
    """Seconds that the call may take if it is not streamed, by its client's stated limit or the usual one; and the
    patience that it gets."""
    limit = stated_limit(timeout, read_timeout)
    client = Client(limit, is_claude_code, loopback)
    hold = _asked_hold(asked)
    if hold is None and deferrable:
        hold = params.deferrable
    most = limit if limit is not None else usual_limit
    may_take = max(most - params.open_margin, most * params.deadline_share)
    return may_take, plan(client, auxiliary=auxiliary, asked=hold, params=params)


def session_and_agent(lower: dict[bytes, bytes]) -> tuple[str, str]:
    """What Claude Code's headers tell of who calls; empty for other clients."""
    session, agent = lower.get(b"x-claude-code-session-id"), lower.get(b"x-claude-code-agent-id")
    return session.decode("latin-1") if session else "", agent.decode("latin-1") if agent else ""


def flow_of(request: Request, session: str, agent: str, user: str) -> str:
    """Whose share of a lane, and of the memory, a call takes."""
    if session:
        return f"s:{session[:_NAME]}/a:{agent[:_NAME]}" if agent else f"s:{session[:_NAME]}"
    return f"u:{user[:_NAME]}" if user else "c:" + request.connection


def _asked_hold(asked: bytes | None) -> float | None:
    """The hold that a run asks for itself (`x-seawall-hold: 20s`)."""
    if asked is None:
        return None
    from seawall.settings import seconds

    try:
        return seconds(asked.decode("latin-1"))
    except ValueError:
        return None

"""A messages call as facts: who makes it, whose share of a lane it takes, how long its client waits; and how a request
becomes one."""

import secrets
from functools import lru_cache, partial

import msgspec

from seawall.config import Gateway, Hold
from seawall.gateway.accounts import Accounts
from seawall.gateway.guard import credential
from seawall.gateway.places import Caller, Key
from seawall.gateway.records import MOST_LANES, LaneKey
from seawall.http.head import RequestHead, format_head
from seawall.http.request import Request
from seawall.origin import Origin, anthropics
from seawall.policy.hold import Client, Patience, plan, stated_limit
from seawall.upstream.headers import upstream_headers
from seawall.wire import request as wire
from seawall.wire.request import Facts, RequestBody

_NAME = 256
"""Characters of a name that tell one agent from another."""
_NO = (b"", b"0", b"false", b"no")
_FIRST = (None, b"0")
"""What a client says that counts its retries, or does not, of a request that is none."""


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


class Calls:
    """Makes of requests what goes to one upstream. `base` is the beginning of every path there."""

    def __init__(self, settings: Gateway, origin: Origin, base: str, accounts: Accounts) -> None:
        default_port = 443 if origin.scheme == "https" else 80
        self._host = origin.authority.removesuffix(f":{default_port}").encode()
        self._base = base.encode()
        self.upstream = f"{origin.scheme}://{self._host.decode()}{base}"
        self.loopback = False
        """Its own machine alone reaches the gateway."""
        self._route = origin.host
        self._accounts = accounts
        self._most = settings.sizes.body
        self._lanes: dict[tuple[str, str, str], LaneKey] = {}
        # Most calls state the same few values.
        self._patience_of = lru_cache(64)(
            partial(patience_of, params=settings.hold, usual_limit=settings.idle.client_limit)
        )
        self._prefix = secrets.token_hex(4)
        self._next = 0
        self._mark = f"seawall-{self._prefix}".encode()
        self._via = self.via(origin.host)

    def read(self, request: Request, body: RequestBody) -> Call:
        """The call that a messages request is."""
        head, get = request.head, request.head.lower.get
        coding = get(b"content-encoding")
        plain = body if coding is None else wire.decoded(body, coding, self._most)
        facts = wire.read(plain, len(body))
        client = get(b"user-agent", b"")
        defer, token, retry = (
            get(b"x-seawall-defer"),
            get(b"x-seawall-token"),
            get(b"x-stainless-retry-count"),
        )
        deferrable = defer is not None and defer.lower() not in _NO
        limit, patience = self._patience_of(
            get(b"x-stainless-timeout"),
            get(b"x-stainless-read-timeout"),
            client[:10] == b"claude-cli",
            self.loopback,
            facts.max_tokens == 1 or get(b"x-claude-code-request-class") == b"auxiliary",
            get(b"x-seawall-hold"),
            deferrable,
        )
        session, agent = session_and_agent(head.lower)
        secret = self._accounts.hash(credential(head))
        return Call(
            id=self.new_id(),
            head=self.upstream_head(head, len(body), identity=True),
            body=body,
            plain=plain,
            facts=facts,
            caller=Caller(
                secret,
                token.decode("latin-1") if token is not None else "",
                session or facts.user,
                agent,
                head.target,
            ),
            lane=self._lane(self._accounts.account(secret), facts.family, facts.version),
            flow=flow_of(request, session, agent, facts.user),
            deferrable=deferrable,
            patience=patience,
            limit=limit,
            user_agent=client,
            may_inherit=bool(session)
            or (retry not in _FIRST and retry.isdigit() and retry.strip(b"0") != b""),
        )

    def upstream_head(self, head: RequestHead, length: int, *, identity: bool) -> bytes:
        """A request's head as it is sent on; with `identity`, an answer without a coding is asked for."""
        headers = upstream_headers(head, self._host, length, identity=identity)
        if self._via:
            headers.append(b"via: " + self._via)
        if self._base or not head.http11:
            return format_head(b"%b %b%b HTTP/1.1" % (head.method, self._base, head.target), headers)
        return format_head(head.first_line, headers)

    def via(self, host: str) -> bytes:
        """What `host` is told in the header of that name (RFC 9110 section 7.6.3), so that a request that went in a
        ring is known again; nothing where it is the API itself, which sends nothing back."""
        return b"" if anthropics(host) else b"1.1 " + self._mark

    def was_here(self, head: RequestHead) -> bool:
        """Whether this gateway has sent the request on before."""
        return any(self._mark in value for name, value in head.fields if name == b"via")

    def new_id(self) -> str:
        """Names a request to its client, in messages and in the store."""
        self._next += 1
        return "sw_%s%06x" % (self._prefix, self._next)  # noqa: UP031 - a third faster

    def _lane(self, account: str, family: str, version: str) -> LaneKey:
        """The key of a lane: one for all its calls, of which many may be held."""
        named = account, family, version
        lane = self._lanes.get(named)
        if lane is None:
            if len(self._lanes) >= MOST_LANES:
                self._lanes.clear()
            lane = self._lanes[named] = LaneKey(self._route, *named)
        return lane


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
    # Who states less goes by itself, and an answer may come until then.
    may_take = most - params.open_margin if most >= params.shortest_limit else most
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

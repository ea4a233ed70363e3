"""Every setting, its default and the reason for it, in one table.

Sizes are bytes. The classes below are the table; `settings.load` fills them from options,
the environment and files. `check` says what good values may still not be together.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Annotated

from seawall.origin import Origin, is_loopback

Seconds = Annotated[float, "seconds"]
"""A length of time, written as `"15m"` too. On a clock that runs faster it is shorter."""
Rate = Annotated[float, "a second"]
"""So many a second. On a clock that runs faster it is higher; a plain float stays what it is."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long one request waits of its own accord; when the lane may send is the limiter's and the breaker's."""

    free: int = 6
    """So many failures of a request in a row cost it no wait. One that fails on is likely at fault itself, and makes
    room for others: exponential, with full jitter."""
    first: Seconds = 1.0
    """Upper end of the first wait after those."""
    factor: float = 2.0
    most: Seconds = 10.0
    """Upper end of any wait."""
    throttle_first: Seconds = 5.0
    """A 429 that states no `retry-after` is a throttle: start calmer ..."""
    throttle_most: Seconds = 120.0
    """... and give it two minutes in all before it is passed through."""
    hint_spread: float = 0.1
    """`retry-after` is a minimum; up to this share is added so that waiters do not return together."""


@dataclass(frozen=True, slots=True)
class Limiter:
    """How fast the number of running streams may grow (decision 0021; every figure is from its simulation).

    A rate is in attempts a second.
    """

    quiet: Seconds = 30.0
    """Without a refusal for so long the lane is calm: starts are only smoothed."""
    calm_rate: Rate = 4.0
    """Of a calm lane, at least: half a dozen calls of one person at once are no stampede."""
    calm_burst: int = 8
    """So many starts of a calm lane go at once."""
    late: Seconds = 0.05
    """What a timer rang late is made up for, up to this: a millisecond at a time would make a high rate a lower one."""
    fleet_rate: Rate = 0.2
    """Upper bound of the rate, for each request in the lane: a fleet of any size starts in some five seconds."""
    most_rate: Rate = 1.0
    """... but that bound is never below this."""
    least_rate: Rate = 0.1
    """Lower bound of the rate: something must be tried, or the end of the trouble is never seen."""
    least_share: float = 0.03
    """... and this share of the acceptances: what looking for room costs while a lane is full."""
    queue_time: Seconds = 600.0
    """... and the queue over so many seconds: nobody's turn to be tried comes later than in two thirds of the hold."""
    acceptance_time: Seconds = 20.0
    """Acceptances are averaged over so long."""
    waiting_rate: Rate = 0.8
    """For each waiting request, while few wait: then refusals cost little, and holding back would cost work."""
    backlog_share: float = 0.25
    """More waiting than this share of what is under way, on average over `backlog_time`, is a backlog: with one it
    matters whose doing the refusals are."""
    backlog_least: int = 4
    backlog_time: Seconds = 8.0
    strained_share: float = 1.5
    strained_most: float = 12.0
    """It matters too when there were so many refusals more than this share of them for each acceptance: 30 % refused
    (S1y) never comes to that, 70 % (S1x) does in some 50 verdicts, a full service that is tried on and on in 20."""
    depth: float = 0.7
    """To find out, the lane leaves streams that end without a replacement down to this share of where it was, and looks
    there: ..."""
    look_margin: int = 4
    """... once so many more were refused than accepted it is not our doing; the other way round it was. With 3 our own
    was taken for others' doing now and then, 5 takes a small fleet too long."""
    look_again: Seconds = 45.0
    look_most: Seconds = 360.0
    """A conclusion holds for so long; the same one again for twice as long, up to this. But `own` ends with the next
    acceptance where a replacement is refused, and not the one before, while `depth` of the streams that it was found
    with run or fewer, ..."""
    foreign_share: float = 4.0
    foreign_most: float = 40.0
    """... and `foreign` with so many refusals more than four for each acceptance: a service that is full only of us
    refuses nine in ten of those who push, and pushing for it was a mistake."""
    own_pause: Seconds = 20.0
    """Where `own` was given up, a backlog alone is no reason to come back to it for so long: where others refuse a part
    of the attempts few streams would stay few."""
    skip_step: float = 1.0
    skip_most: float = 8.0
    """A refused replacement leaves 1, 2, 3, ... of the next streams that end without one, at most 8."""
    spare: int = 3
    spare_share: float = 0.05
    """Streams that ended and were not replaced yet count at most so far, plus this share of the running, ..."""
    spare_time: Seconds = 0.02
    """... plus, in a calm lane, what ends in so long: the next of many short calls is on its way from its client."""
    up: float = 2.0
    """An accepted attempt multiplies the rate by this, ..."""
    own_up: float = 1.25
    """... by this where the refusals are our doing, and where it does not climb."""
    own_run: int = 6
    """So many accepted in a row, all of them sent after the last refusal, say that it was our own doing while it looks,
    and that it is over although more than `backlog_least` wait."""
    climb_from: int = 4
    """It climbs as soon as acceptances in a row weigh so much: then each, of a replacement too, doubles the rate, and
    the first refusal puts it back to where the climb began: one in vain costs a few refusals. With 6 twenty
    agents take 4 s longer to be back, with 3 they are back no sooner."""
    climb_weight: int = 12
    """Beyond the 1 of any acceptance a surplus attempt's weighs this by the number under way: with four under way one
    proves room, with forty it counts little more than a replacement. Without it 20 agents take 7 s longer to be
    back."""
    climb_fleet_rate: Rate = 0.04
    """A climb begins with this rate at least, for each request in the lane. From the rates of a small lane doubling
    took as long as all the rest; with 0.12 climbs in vain cost more refusals than they save time."""
    own_down: float = 0.5
    foreign_down: float = 0.93
    """A refused one: ours, not ours."""
    refusal_gap: float = 0.5
    """After a refusal the next attempt beyond a replacement waits at least this share of the usual gap."""
    ramp_fleet_rate: Rate = 0.16
    """Where an outage is over, the rate begins here, for each request in the lane and with `most_rate` at least, and
    doubles with each acceptance until the first refusal, ..."""
    ramp_share: float = 3.0
    """... and may be so many times as high as otherwise. From 0.12, and twice, an outage costs half a second more."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """When a lane stops trying, and how it finds out that it may go on."""

    streak_least: int = 6
    streak_most: int = 15
    """So many refusals in a row open it: the more, the more usual refusals were before."""
    alarm: float = 0.001
    """Chance that a streak of this length comes from the refusals that were usual."""
    quiet: Seconds = 1.5
    """And nothing was accepted for so long: an accepted one takes as long until its first byte. With 1 s chance opens
    it in a brownout that is others' doing."""
    probe_first: Seconds = 1.0
    probe_factor: float = 1.6
    probe_most: Seconds = 3.0
    """Time between probes. In a three minute outage of 200 agents 3 s costs 74 refusals and 7.7 s to recover, 3.5 s 67
    and 9.2 s (decision 0021)."""
    probe_spread: float = 0.2
    probe_silence: Seconds = 10.0
    """A probe that says nothing for so long is waited for no more, and the next may go: refusals come within a second,
    but a connection may hang, and an answer that is not streamed says nothing until it is whole."""


@dataclass(frozen=True, slots=True)
class Pacer:
    """How the account's own limits are kept without being told off."""

    margin: float = 0.02
    """Share of a limit that is left alone: clocks and counts differ."""
    reserve: Seconds = 1.0
    """Seconds of refill that are kept: without them hundreds of refusals at the edge, with them none."""
    burst: Seconds = 15.0
    """Seconds of refill that a bucket is taken to hold until it has shown more."""
    listen_every: Seconds = 0.1
    """While every bucket is more than half full, the headers of one answer in so long are read."""
    over: float = 0.03
    """A request's input is estimated so much high."""
    block_most: Seconds = 60.0
    """A `retry-after` pauses a lane for so long at most; then somebody looks again."""
    cut_share: float = 0.95
    cut_window: Seconds = 10.0
    """An acceleration limit makes starts as many as this share of those accepted in this time; ..."""
    cut_least: float = 0.5
    best_kept: Seconds = 300.0
    """... but no fewer than this share of the most that were accepted in such a time lately: after an outage hardly any
    were, and that says nothing of the limit; ..."""
    cut_pause: Seconds = 0.25
    cut_gap: Seconds = 4.0
    """... pauses the lane; and not again within this. With 0.5 s and 3 s a stampede gets a third of a percent less
    done, and meets two refusals fewer."""
    cut_doubles: Seconds = 12.0
    """The cap on starts grows, twofold in so long."""
    cut_kept: Seconds = 120.0
    """Without another cut for so long the cap goes."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Who is next."""

    tokens_unit: float = 1000.0
    request_units: float = 10.0
    """A request's share: one for each thousand input tokens and ten for itself. Slots, not tokens, are short."""
    promote_share: float = 0.2
    """Within this last share of its hold a request goes first."""
    age_share: float = 0.5
    """A deferrable request that has waited for this share of its hold competes with the others."""
    flows_kept: int = 10_000
    """Agents whose share is remembered."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The last guard: how many refusals a lane may cause, whatever the limiter thinks."""

    share: float = 4.0
    """Refusals that each acceptance pays for: where more than four in five are refused, patience is worth more."""
    most: float = 300.0
    """So many are saved up: what a lane of two hundred that pushes in vain causes in some fifteen seconds."""
    free_rate: Rate = 0.2
    """And so many a second besides. Beyond all this one attempt at a time, about as often as the breaker probes."""
    window: Seconds = 300.0
    """Over so long the share of refusals is shown."""


@dataclass(frozen=True, slots=True)
class Hold:
    """How long a call is held and when its answer must be opened."""

    longest: Seconds = 900.0
    """Walls of 14 minutes were reported."""
    deferrable: Seconds = 7200.0
    """Of a call that says `x-seawall-defer`: nobody waits for it today."""
    auxiliary: Seconds = 30.0
    """Titles, quota probes and calls with `max_tokens` 1: nobody waits for them longer."""
    open_after: Seconds = 240.0
    """Below every first-byte limit that clients were measured to have (300 s)."""
    open_margin: Seconds = 15.0
    """An answer is opened this long before the client's stated limit."""
    open_unknown: Seconds = 45.0
    """For a client that states no limit, or one behind other hops: intermediaries give up at about 60 s."""
    shortest_limit: Seconds = 60.0
    """A client that states less is given a plain error in time, never an opened answer."""
    deadline_share: float = 0.8
    """Share of such a short limit after which the last error is handed over. A first attempt may take all of it."""
    ping_every: Seconds = 10.0
    cold_after: Seconds = 240.0
    """Prompt caches live five minutes; a call held longer than this has lost its cache."""
    cold_tokens: int = 20_000
    retry_after_least: int = 30
    retry_after_most: int = 59
    """`retry-after` of an answer that was given up: Claude Code gives up at once above 60."""
    stale_token_after: Seconds = 60.0
    """A 401 after a hold longer than this is a token that expired meanwhile."""
    place_kept: Seconds = 60.0
    """How long the place of a client that went away waits for its return."""
    spent_kept: Seconds = 120.0
    """How long a call that was given up is remembered, so that its retry is not held again.
    Claude Code's longest gap is 36 s, and it obeys `retry-after` up to 60."""
    replays: int = 2
    """Attempts that failed after the whole request was sent may have been billed: so many are repeated."""


@dataclass(frozen=True, slots=True)
class Idle:
    """When silence means failure."""

    connect: Seconds = 10.0
    first_byte: Seconds = 120.0
    first_byte_per_token: float = 1 / 2000
    """Seconds more for each estimated input token."""
    before_content: Seconds = 60.0
    after_content: Seconds = 240.0
    """Below the 300 s after which Claude Code gives up, so that it learns why."""
    client_limit: Seconds = 600.0
    """What a call that is not streamed may take where the client states no limit (the SDKs' default)."""
    head: Seconds = 30.0
    """A request head must be whole within this time of its first byte."""
    body: Seconds = 60.0
    """Without a byte of a request's body for so long, the client is gone."""
    keep_alive: Seconds = 300.0
    """An idle client connection is closed after this."""
    pooled: Seconds = 60.0
    """An idle upstream connection is not used again after this."""
    drain: Seconds = 30.0
    """At the first SIGTERM, running streams get this long."""
    tick: Seconds = 0.5
    """How often limits are looked at; below any of them by far."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bounds on memory for any input, in bytes."""

    head: int = 64 * 1024
    body: int = 64 * 1024 * 1024
    """Of a messages request. The API's own limit is 32 MB."""
    held: int = 1024 * 1024 * 1024
    """All bodies that are kept for replay, together."""
    buffer: int = 64 * 1024
    """What may wait to be written to a slow reader before its source is paused."""
    error_body: int = 1024 * 1024
    """What is kept of a failed answer."""
    answer: int = 16 * 1024 * 1024
    """What is kept of a whole JSON answer before it is judged, and of one event of a stream."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """The gateway's own settings: `[gateway]` in the file."""

    listen: str = "127.0.0.1:8787"
    upstream: str = "https://api.anthropic.com"
    upstream_is_clients: bool = False
    """The upstream came from the user's own `ANTHROPIC_BASE_URL`: their client would go there without us."""
    hosts: tuple[str, ...] = ()
    """Names besides the loopback ones that a `Host` header may carry."""
    origins: tuple[str, ...] = ()
    behind_proxy: bool = False
    """A reverse proxy in front of us speaks TLS; this or a certificate is needed beyond loopback."""
    tls_cert: str = ""
    tls_key: str = ""
    concurrency: int = 1000
    """Attempts under way at a time in one lane. The control law finds the right number; this bounds files, memory."""
    finish_abandoned: bool = False
    fallback: tuple[str, ...] = ()
    """Model families, such as `sonnet`, that a call goes to while the service fails for its own; empty: never."""
    fallback_after: Seconds = 30.0
    """How long a call is held before that. Most failures of the service are over sooner, and another model is
    another answer."""
    hold: Hold = field(default_factory=Hold)
    backoff: Backoff = field(default_factory=Backoff)
    limiter: Limiter = field(default_factory=Limiter)
    breaker: Breaker = field(default_factory=Breaker)
    pacer: Pacer = field(default_factory=Pacer)
    queue: Queue = field(default_factory=Queue)
    budget: Budget = field(default_factory=Budget)
    idle: Idle = field(default_factory=Idle)
    sizes: Sizes = field(default_factory=Sizes)


@dataclass(frozen=True, slots=True)
class Network:
    """How the upstream is reached; from the environment that every client knows."""

    https_proxy: str = ""
    http_proxy: str = ""
    no_proxy: str = ""
    ca_files: tuple[str, ...] = ()
    """Extra roots in PEM: `SSL_CERT_FILE`, `NODE_EXTRA_CA_CERTS`."""
    client_cert: str = ""
    """A certificate in PEM for servers that demand one: `CLAUDE_CODE_CLIENT_CERT`."""
    client_key: str = ""
    """Its private key in PEM, `CLAUDE_CODE_CLIENT_KEY`; empty: the key stands in the certificate's file."""
    client_key_passphrase: str = field(default="", repr=False)
    """`CLAUDE_CODE_CLIENT_KEY_PASSPHRASE`: better there than in a file."""


@dataclass(frozen=True, slots=True)
class Store:
    """Where incidents are remembered."""

    path: str = ""
    """The SQLite file; empty: `seawall.db` in the platform's data folder."""


@dataclass(frozen=True, slots=True)
class Doctor:
    """How long `seawall doctor` may take, and whom it asks beside the API."""

    deadline: Seconds = 8.0
    """Seconds for a whole run, start-up and printing among them."""
    control_host: str = "https://example.com"
    """A host that has nothing to do with the API: where both fail, it is not the API. Only a connection is made."""
    captive_probe: str = "http://www.gstatic.com/generate_204"
    """An address that answers 204 and nothing else: whoever answers otherwise wants somebody to sign in."""
    status_page: str = "https://status.claude.com"
    """The service's status page."""
    spend: bool = False
    """Whether a run may spend tokens without being asked to (`--spend`): about ten, twice."""


@dataclass(frozen=True, slots=True)
class Escalate:
    """How old trouble must be before it is told to anybody; both clocks come from public troubleshooting texts."""

    provider_after: Seconds = 600.0
    """Of the service: most of it is over sooner, and its page lags by minutes."""
    other_after: Seconds = 1800.0
    """Of anything else: most faults of networks pass before that."""


@dataclass(frozen=True, slots=True)
class Report:
    """What `seawall report` writes."""

    include_hostnames: bool = False
    """Whether names of hosts stay as they are; otherwise each becomes `<host-1>`, the vendor's own excepted."""
    it_contact: str = ""
    """Whom `seawall report --it` is addressed to."""


EVENTS = ("opened", "held", "recovered", "gave_up", "limit_reset", "escalate_now", "gateway_down")
"""What a notification may be about."""


@dataclass(frozen=True, slots=True)
class Notify:
    """When and how you are told, where nobody looks at `seawall watch`. Addresses and the secret are never printed."""

    on: tuple[str, ...] = ("recovered", "limit_reset", "escalate_now", "gave_up")
    """Also `opened`, `held` and `gateway_down`."""
    after: Seconds = 60.0
    """Nothing of trouble that was over sooner: most of it is."""
    settle: Seconds = 60.0
    """Trouble is over when nothing failed for so long after a success (as history counts it)."""
    quiet: str = "22:00-07:00"
    """Local hours in which only `gateway_down` is told; empty: none."""
    most: int = 6
    """Notifications an hour, at most."""
    bell: bool = True
    """The terminal's, where `seawall watch` runs."""
    desktop: bool = True
    webhook: str = field(default="", repr=False)
    """Gets a `seawall.event/1` object by POST. `https` only, or `http` to this machine."""
    secret: str = field(default="", repr=False)
    """Signs what is sent to the webhook (HMAC-SHA256)."""
    slack: str = field(default="", repr=False)
    """A Slack incoming webhook."""
    apprise: tuple[str, ...] = field(default=(), repr=False)
    """Anything else, by the addresses of the library Apprise, such as `mailto://...` or `tgram://...`."""


@dataclass(frozen=True, slots=True)
class History:
    """What is remembered, and for how long."""

    keep: Seconds = 400 * 86400.0
    """After so long only hourly counts are kept: a year can be compared with the one before."""
    timezone: str = "local"
    """Hours by this zone's clock, such as `Europe/Berlin`; `local`: by the clock of the time and place, as recorded."""
    import_transcripts: bool = True
    """Whether `seawall history` offers to read Claude Code's transcripts where nothing is on record."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What `seawall plan` goes by."""

    min_calls_per_cell: int = 20
    """Of an hour: with fewer calls nothing is said of it."""
    apart: Seconds = 10.0
    """Between two starts of `run --stagger` where your own past does not say how far: twice the five seconds within
    which starts count as one burst."""
    published_peaks: tuple[str, ...] = (
        "mon-fri 09-17 America/Los_Angeles; a source document; 2026",
        "mon-fri 05-11 America/Los_Angeles; Anthropic staff, plan limits; 2026-03-26; 2026-05-06",
    )
    """Busy hours that somebody named: days, hours and zone; who; when; when it was withdrawn. Claims that are shown,
    never figures. In a file also as tables `[[plan.published_peaks]]` with `days`, `hours`, `tz`, `source`, `date`,
    `withdrawn`."""


@dataclass(frozen=True, slots=True)
class Team:
    token: str = field(default="", repr=False)
    peers: tuple[str, ...] = ()
    """Addresses of teammates' gateways, which `seawall doctor` asks whether their calls fail too."""
    share: bool = False
    """Whether teammates who have the token may learn how many calls failed here lately, and for what cause."""


@dataclass(frozen=True, slots=True)
class Telemetry:
    endpoint: str = ""
    """Where metrics and traces go by OpenTelemetry's protocol over HTTP, such as http://127.0.0.1:4318; needs the extra
    `otel`. Empty: what OTEL_EXPORTER_OTLP_ENDPOINT says, else nowhere."""


@dataclass(frozen=True, slots=True)
class Fallback:
    """One `[[fallback]]` of the user's file: where a held call goes for these causes. Tried in their order."""

    causes: tuple[str, ...] = ()
    """`for` in the file: codes of causes, `provider.*`, or `*`; none: failures of the service, as for
    `gateway.fallback`."""
    model: str = ""
    """Empty: the call's own."""
    upstream: str = ""
    """Empty: the call's own. Another address needs a key of its own: the client's is never sent there."""
    key_env: str = ""
    """The variable of the gateway's environment that holds that key."""
    key_keyring: str = ""
    """Or `service/user`: where the system's keyring holds it. Needs the package `keyring`."""
    after: Seconds = 30.0
    team: bool = False
    """Whether calls from a listener that is not loopback may go to that address too: this key pays for them."""


@dataclass(frozen=True, slots=True)
class Config:
    """All settings in force, frozen."""

    gateway: Gateway = field(default_factory=Gateway)
    network: Network = field(default_factory=Network)
    store: Store = field(default_factory=Store)
    team: Team = field(default_factory=Team)
    doctor: Doctor = field(default_factory=Doctor)
    escalate: Escalate = field(default_factory=Escalate)
    report: Report = field(default_factory=Report)
    telemetry: Telemetry = field(default_factory=Telemetry)
    notify: Notify = field(default_factory=Notify)
    history: History = field(default_factory=History)
    plan: Plan = field(default_factory=Plan)
    fallback: tuple[Fallback, ...] = ()


class ConfigError(Exception):
    """A setting that cannot be used; the text is one line for the person who set it."""


def listen_address(listen: str) -> tuple[str, int]:
    """Host and port of `gateway.listen`: `HOST:PORT`, `[IPV6]:PORT` or a port alone (0: any free one)."""
    host, _, port = listen.rpartition(":") if not listen.isdecimal() else ("127.0.0.1", "", listen)
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if (
        not bare
        or (":" in bare and bare == host)
        or not port.isascii()
        or not port.isdecimal()
        or int(port) > 65535
    ):
        raise ConfigError(f"gateway.listen must be HOST:PORT such as 127.0.0.1:8787, not {listen!r}")
    return bare, int(port)


def upstream_address(upstream: str) -> tuple[Origin, str]:
    """Origin and base path of `gateway.upstream`; ConfigError where no request could, or should, be sent there."""
    try:
        origin, base = Origin.parse(upstream)
    except ValueError as error:
        raise ConfigError(f"gateway.upstream: {error}") from None
    if origin.scheme == "http" and not is_loopback(origin.host):
        raise ConfigError(
            f"gateway.upstream is http:// and not on this machine ({origin.host}): "
            "credentials would travel in clear"
        )
    return origin, base


def is_own(gateway: Gateway) -> bool:
    """Whether the upstream is the address that this gateway itself listens on: a loop."""
    try:
        host, port = listen_address(gateway.listen)
        to, _ = upstream_address(gateway.upstream)
    except ConfigError:
        return False
    everywhere = host in ("0.0.0.0", "::")  # noqa: S104  recognised, not bound
    same = to.host == host or (is_loopback(to.host) and (is_loopback(host) or everywhere))
    return same and to.port == port


_CAUSE = re.compile(r"\*|[a-z]+\.(?:\*|[a-z0-9_]+)")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def check_fallback(fallback: Fallback, gateway: Gateway) -> None:
    """ConfigError, with one sentence, for a fallback that no call may take."""
    for cause in fallback.causes:
        if not _CAUSE.fullmatch(cause):
            raise ConfigError(
                f"for must name causes such as provider.overloaded or provider.*, not {cause!r}"
            )
    if not fallback.model and not fallback.upstream:
        raise ConfigError("it names no model and no upstream")
    keys = [name for name in ("key_env", "key_keyring") if getattr(fallback, name)]
    if not fallback.upstream:
        if keys or fallback.team:
            raise ConfigError(f"{(keys or ['team'])[0]} is for another upstream, and it names none")
        return
    if len(keys) != 1:
        raise ConfigError(
            "another upstream needs one key of its own: set key_env or key_keyring"
            + (", not both" if keys else "")
        )
    if fallback.key_env and not _VARIABLE.fullmatch(fallback.key_env):
        # Not repeated: people paste the key itself.
        raise ConfigError("key_env must be the name of a variable, not a key")
    service, _, user = fallback.key_keyring.partition("/")
    if fallback.key_keyring and not (service and user):
        raise ConfigError("key_keyring must be SERVICE/USER")
    _check_other_address(fallback, gateway)


def _check_other_address(fallback: Fallback, gateway: Gateway) -> None:
    try:
        origin, _ = Origin.parse(fallback.upstream)
    except ValueError as error:
        raise ConfigError(f"upstream: {error}") from None
    if origin.scheme == "http" and not is_loopback(origin.host):
        raise ConfigError(
            f"upstream is http:// and not on this machine ({origin.host}): the key would travel in clear"
        )
    if is_own(replace(gateway, upstream=fallback.upstream)):
        raise ConfigError(
            f"upstream is this gateway itself ({gateway.listen}): its calls would go in a circle"
        )
    try:
        first, _ = upstream_address(gateway.upstream)
    except ConfigError:
        return
    near = is_loopback(origin.host) and is_loopback(first.host)  # one machine, by whichever of its names
    same = origin.scheme == first.scheme and origin.port == first.port
    if same and (near or origin.host.rstrip(".") == first.host.rstrip(".")):
        raise ConfigError(
            "upstream is gateway.upstream under another key: one account's limits are not met with another's"
        )


_CLOCK = r"(?:[01]?\d|2[0-3]):[0-5]\d"
_QUIET = re.compile(rf"({_CLOCK})\s*-\s*({_CLOCK})")


def quiet_hours(text: str) -> tuple[int, int] | None:
    """First and last minute of the day of `22:00-07:00`; None for none, ConfigError for what is no such span."""
    if not text.strip():
        return None
    found = _QUIET.fullmatch(text.strip())
    if found is None:
        raise ConfigError(f"notify.quiet must be two times such as 22:00-07:00, not {text!r}")
    begin, end = (
        60 * int(hour) + int(minute) for hour, _, minute in (one.partition(":") for one in found.groups())
    )
    return begin, end


def webhook_address(key: str, address: str) -> tuple[Origin, str]:
    """Where `notify.webhook` or `notify.slack` (`key`) goes; ConfigError, which does not repeat it, if it must not."""
    bare, _, query = address.partition("?")
    try:
        origin, _ = Origin.parse(bare)
    except ValueError:
        raise ConfigError(f"{key} is no address such as https://example.com/hook") from None
    if origin.scheme == "http" and not is_loopback(origin.host):
        raise ConfigError(f"{key} is http:// and not on this machine: what is sent would travel in clear")
    path = bare.strip().partition("://")[2].partition("/")[2]
    return origin, f"/{path}" + (f"?{query.strip()}" if query else "")


def notify_problems(notify: Notify) -> list[str]:
    """What of `[notify]` cannot be used, a sentence each; the rest of it works."""
    problems = [
        f"notify.on has {name!r}, which is none of {', '.join(EVENTS)}"
        for name in notify.on
        if name not in EVENTS
    ]
    try:
        quiet_hours(notify.quiet)
    except ConfigError as error:
        problems.append(str(error))
    for key, address in (("notify.webhook", notify.webhook), ("notify.slack", notify.slack)):
        try:
            if address:
                webhook_address(key, address)
        except ConfigError as error:
            problems.append(str(error))
    return problems


def check(config: Config) -> None:
    """ConfigError, with one line, for settings that a gateway must not start with."""
    gateway = config.gateway
    host, _ = listen_address(gateway.listen)
    upstream_address(gateway.upstream)
    if is_own(gateway):
        raise ConfigError(
            f"gateway.upstream is this gateway itself ({gateway.listen}): every call would go in a circle"
        )
    for number, fallback in enumerate(config.fallback, 1):
        try:
            check_fallback(fallback, gateway)
        except ConfigError as error:
            raise ConfigError(f"[[fallback]] {number}: {error}") from None
    if bool(gateway.tls_cert) != bool(gateway.tls_key):
        raise ConfigError("gateway.tls_cert and gateway.tls_key belong together; only one of them is set")
    if is_loopback(host):
        return
    if not config.team.token:
        raise ConfigError(
            f"gateway.listen is not loopback ({gateway.listen}): set team.token, which clients then send"
        )
    if not gateway.tls_cert and not gateway.behind_proxy:
        raise ConfigError(
            f"gateway.listen is not loopback ({gateway.listen}): set gateway.tls_cert and gateway.tls_key, "
            "or gateway.behind_proxy = true if something in front of it speaks TLS"
        )

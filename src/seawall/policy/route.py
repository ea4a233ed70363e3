"""Whether a held call goes to another model or another address, as its user configured; otherwise it stays.

Nothing goes anywhere unless it was configured. Times are seconds of the call's hold, so that `after` can be compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from seawall.causes.cause import Hold, Party, codes, lookup
from seawall.clock import duration
from seawall.config import Config, Fallback
from seawall.policy.outcome import Outcome
from seawall.wire import models
from seawall.wire.request import family
from seawall.wire.translate import Asks, Refused, elsewhere_refusal, model_refusal


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call may go, in the order in which they are tried."""

    number: int
    """Its place in that order, from 0."""
    causes: tuple[str, ...]
    """Codes, `party.*` or `*`; none: failures of the service that are held."""
    model: str
    """Empty: the call's own."""
    upstream: str
    """Address; empty: the call's own."""
    after: float
    team: bool = False
    table: int = -1
    """Its `[[fallback]]`, from 0; -1: it is of `gateway.fallback`."""
    another_family: bool = False
    """It stands for a family, and is of no use to calls of that family."""

    @property
    def name(self) -> str:
        """As a sentence and `seawall config` call it."""
        return " at ".join(part for part in (self.model, self.upstream) if part)


def read(config: Config) -> tuple[tuple[Target, ...], tuple[str, ...]]:
    """The targets that the settings name, tables first, and a sentence for each of which nothing can come."""
    targets: list[Target] = []
    problems: list[str] = []
    gateway = config.gateway
    named = [(number, one) for number, one in enumerate(config.fallback)]
    named += [(-1, Fallback(model=name, after=gateway.fallback_after)) for name in gateway.fallback]
    for table, one in named:
        where = "gateway.fallback" if table < 0 else f"[[fallback]] {table + 1}"
        model = models.CURRENT.get(one.model, one.model)
        if model and models.known(model) is None:
            problems.append(
                f"{where}: nothing is known of the model {one.model!r}, so nothing is sent to it; known are"
                f" {', '.join(models.CURRENT)} and {', '.join(models.MODELS)}"
            )
            continue
        problems += [f"{where}: {problem}" for cause in one.causes if (problem := _misnamed(cause))]
        if one.after >= gateway.hold.longest:
            held = f"held for {duration(gateway.hold.longest)}" if gateway.hold.longest else "not held"
            problems.append(
                f"{where}: it waits for {duration(one.after)}, and calls are {held} (gateway.hold): only a call that"
                " asks for a longer hold gets there"
            )
        # Of a list for all calls, a family is meant for the others; who names a model means just that one.
        number, short = len(targets), table < 0 and one.model in models.CURRENT
        targets.append(
            Target(number, one.causes, model, one.upstream, one.after, one.team, table, another_family=short)
        )
    return tuple(targets), tuple(problems)


def _misnamed(pattern: str) -> str:
    """Why no call will ever fall back for this pattern; empty where one may."""
    covered = [code for code in codes() if _covers(pattern, code)]
    if not covered:
        return f"no cause is named {pattern}"
    if all(lookup(code).hold is Hold.NO for code in covered):
        return f"{pattern} is passed on at once and never held, so no call falls back for it"
    return ""


@dataclass(frozen=True, slots=True)
class Sender:
    """What decides about a call besides its body."""

    subscription: bool
    """It came with the token of a claude.ai login."""
    loopback: bool
    """It came in on a loopback listener."""


@dataclass(frozen=True, slots=True)
class Skip:
    """A target that is due and cannot take the call, now or later, and why."""

    target: Target
    why: str

    @property
    def sentence(self) -> str:
        return f"not sent to {self.target.name}: {self.why}"


@dataclass(frozen=True, slots=True)
class Stay:
    """Wait on in the hold."""

    until: float | None
    """When a target will be due; None: none will be."""
    skipped: tuple[Skip, ...] = ()


@dataclass(frozen=True, slots=True)
class Go:
    """Make one attempt at `target`, with what must differ."""

    target: Target
    model: str
    """To be put in the body's; empty: as it is."""
    without_user: bool
    """`metadata.user_id` and every credential stay here: the address is not the client's."""
    skipped: tuple[Skip, ...] = ()


def next_due(targets: tuple[Target, ...], outcome: Outcome, tried: Mapping[int, float]) -> float | None:
    """When the hold of a call that fails so has lasted long enough for a target; None: for none, ever."""
    if outcome.hold is Hold.NO or outcome.elsewhere:
        return None
    due = [_due(target, tried) for target in targets if _is_for(target, outcome.cause)]
    return min((at for at in due if at < inf), default=None)


def choose(
    targets: tuple[Target, ...],
    outcome: Outcome,
    held: float,
    asks: Asks | Refused,
    sender: Sender,
    tried: Mapping[int, float],
) -> Go | Stay:
    """What a call that has been `held` so long does after `outcome`.

    `tried`: by the number of a target, from when it may be tried again; infinity for one that is struck off, as
    those that come back as skipped are to be.
    """
    skipped: list[Skip] = []
    if outcome.hold is Hold.NO or outcome.elsewhere:
        return Stay(None)
    later: list[float] = []
    for target in targets:
        due = _due(target, tried)
        if due == inf or not _is_for(target, outcome.cause):
            continue
        if due > held:
            later.append(due)
        elif why := _refusal(target, asks, sender):
            skipped.append(Skip(target, why))
        else:
            model = target.model if isinstance(asks, Asks) and target.model != asks.model else ""
            return Go(target, model, bool(target.upstream), tuple(skipped))
    return Stay(min(later, default=None), tuple(skipped))


def after_failure(target: Target, outcome: Outcome, status: int | None, held: float, rest: float) -> float:
    """From when `target` may be tried again by the call that it failed: infinity where it refused the call itself.

    It rests as long as it was waited for, and at least `rest`: its lane knows no better, it is not held for it.
    """
    refused = outcome.hold is Hold.NO or (status is not None and 400 <= status < 500 and status != 429)
    return inf if refused else held + max(target.after, rest)


def _due(target: Target, tried: Mapping[int, float]) -> float:
    return tried.get(target.number, target.after)


def _is_for(target: Target, cause: str) -> bool:
    if target.causes:
        return any(_covers(pattern, cause) for pattern in target.causes)
    summary = lookup(cause)
    return summary.party is Party.PROVIDER and summary.hold is Hold.YES


def _covers(pattern: str, cause: str) -> bool:
    return pattern in ("*", cause) or (pattern.endswith(".*") and cause.startswith(pattern[:-1]))


def _refusal(target: Target, asks: Asks | Refused, sender: Sender) -> str:
    """Why a call cannot go there; empty where it can."""
    if sender.subscription:
        return "the token of a claude.ai login is used only for its client's own request"
    if target.upstream and not sender.loopback and not target.team:
        return (
            "it came in on an address that is not loopback, and this fallback is not for those (team = true)"
        )
    if isinstance(asks, Refused):
        return asks.reason
    if target.another_family and family(target.model) == family(asks.model):
        return "the call is for that family already"
    if not target.upstream and target.model == asks.model:
        return "the call is for that model already"
    if target.upstream and (why := elsewhere_refusal(asks)):
        return why
    if not target.model or target.model == asks.model:
        return ""
    model = models.known(target.model)
    assert model is not None  # `read` made no other targets
    return model_refusal(asks, model)

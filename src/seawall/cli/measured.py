"""What `watch` measures beside what gateways say: the way to the API and the status page, seldom and in a thread.

What was measured last is kept in a small file of the user's (mode 600), for the next look and the next command.
"""

import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seawall.cli.common import NOWHERE, Common, Failure, home, load_settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from seawall.config import Config
    from seawall.doctor.answers import Kind
    from seawall.doctor.check import Result
    from seawall.doctor.escalation import Escalation
    from seawall.view.notify import Episode

EVERY = 60.0
"""Seconds between measurements while something is wrong ..."""
CALM = 300.0
"""... and while nothing is."""
OLD = 900.0
"""Seconds after which a measurement is not shown any more."""
CHECKS = ("status.page", "api.path", "api.edge")
CONTROL = "net.control"
TROUBLED = (*CHECKS, CONTROL, "net.system", "tls.client_cert")
"""While something is wrong also what else can speak against the network: `seawall report` counts its gates by it."""
FILE = "measured.json"


@dataclass(frozen=True, slots=True)
class Measured:
    """What checks found; `at` in UTC seconds, `upstream` the address that was measured."""

    at: float
    upstream: str
    results: tuple["Result", ...]
    episodes: Mapping[tuple[str, str], str]
    """The ids of what goes on, by cause and host, where the store knows it."""

    def facts(self, check: str) -> Mapping[str, Any]:
        """What one check found; empty where it was not run."""
        return next((one.finding.facts for one in self.results if one.check.id == check), {})


def measure(common: Common, upstream: str, going_on: Sequence["Episode"], now: float) -> Measured | None:
    """Measures the way to `upstream` (no key is sent) and keeps what was found; None where that cannot be done."""
    from seawall.doctor.check import checks, chosen
    from seawall.doctor.check import measure as run
    from seawall.doctor.subject import subject

    quiet = Common(quiet=True, config=common.config)
    loaded = load_settings(quiet, {}, os.environ)
    try:
        about = subject(
            loaded.config, loaded.sources["gateway.upstream"], os.environ, home(os.environ), NOWHERE,
            base_url=upstream, state=state(),
        )  # fmt: skip
        results = run(about, chosen(checks(), TROUBLED if going_on else CHECKS))
    except (ValueError, OSError):
        return None
    names = {(one.cause, one.route): recorded_id(common, one, now) for one in going_on}
    found = Measured(now, upstream, results, names)
    _keep(found)
    return found


def recorded_id(common: Common, episode: "Episode", now: float) -> str:
    """The id of what goes on, as `seawall history` has it; empty where the store does not know it."""
    from seawall.cli.records import asked

    def newest(records: "Connection | None") -> str:
        if records is None:
            return ""
        from seawall.history.past import begun

        found = begun(records, now - 86400, now, episode.cause)
        return next((one.id for one in reversed(found) if one.route == episode.route), "")

    name = asked(Common(quiet=True, config=common.config), newest)
    return "" if isinstance(name, Failure) else name


def state() -> Path | None:
    """The user's folder of small files."""
    from seawall.doctor import kept

    return kept.folder(os.environ)


def _keep(one: Measured) -> None:
    from seawall.doctor import kept

    whole = {
        "schema": "seawall.measured/1",
        "at": one.at,
        "upstream": one.upstream,
        "checks": [
            {
                "id": each.check.id,
                "state": each.finding.state.value,
                "summary": each.finding.summary,
                "facts": dict(each.finding.facts),
                "took": each.took,
            }
            for each in one.results
        ],
        "episodes": [[*key, value] for key, value in one.episodes.items()],
    }
    if (place := state()) is not None:
        try:
            kept.write(place / FILE, whole)
        except (OSError, TypeError, ValueError):
            pass  # the next look measures again


def last(now: float) -> Measured | None:
    """What was measured last, by whichever command; None where that is too long ago or cannot be read."""
    from seawall.doctor import kept

    value = kept.read(place / FILE) if (place := state()) is not None else None
    if value is None or value.get("schema") != "seawall.measured/1":
        return None
    from seawall.doctor.check import Check, Finding, Probe, Result, State

    async def not_run(_: Probe) -> Finding:
        return Finding(State.SKIP, "")

    try:
        at = float(value["at"])
        results = tuple(
            Result(
                Check(str(one["id"]), str(one["id"]), not_run),
                Finding(State(one["state"]), str(one["summary"]), dict(one["facts"])),
                float(one["took"]),
            )
            for one in value["checks"]
        )
        episodes = {(str(cause), str(route)): str(name) for cause, route, name in value["episodes"]}
        found = Measured(at, str(value["upstream"]), results, episodes)
    except (KeyError, TypeError, ValueError):
        return None
    return found if 0 <= now - at < OLD else None


class Measuring:
    """Measures in a thread of its own, so that nothing that is shown waits for a network."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._thread: threading.Thread | None = None
        self._tried_at: float | None = None
        self.latest = last(time.time())

    def look(self, upstream: str, going_on: Sequence["Episode"], now: float) -> Measured | None:
        """What is known of `upstream`; measured anew in the background if that is due."""
        known = self.latest if self.latest is not None and self.latest.upstream == upstream else None
        if known is not None and not 0 <= now - known.at < OLD:
            known = None
        if self._common.offline or not upstream:
            return known
        age = abs(now - max(known.at if known else 0.0, self._tried_at or 0.0))
        if age >= (EVERY if going_on else CALM) and (self._thread is None or not self._thread.is_alive()):
            self._tried_at = now
            work = (upstream, tuple(going_on), now)
            self._thread = threading.Thread(target=self._run, args=work, name="seawall-measures", daemon=True)
            self._thread.start()
        return known

    def _run(self, upstream: str, going_on: Sequence["Episode"], now: float) -> None:
        try:
            self.latest = measure(self._common, upstream, going_on, now) or self.latest
        except Exception:  # whatever a check, the store or a settings file does: what is shown goes on
            return


def judged(
    config: "Config", episode: "Episode", measured: Measured | None, accepted_at: float | None, now: float
) -> "Escalation":
    """Whether it is time to tell somebody of what goes on."""
    from seawall.doctor import answers, escalation
    from seawall.history.usual import usual
    from seawall.origin import is_loopback

    known = usual(episode.cause, config.store)
    name = name_of(episode, measured)
    host = episode.route.partition(":")[0]
    facts = escalation.facts_of(
        episode.cause,
        measured.results if measured else (),
        measured.at if measured else now,
        opened_at=episode.since,
        p90=known.p90 if known else None,
        episode="" if "@" in name else name,
        host="" if episode.by_api or is_loopback(host) else host,
        accepted_at=accepted_at,
        answers=answers.of(state(), name),
    )
    return escalation.judge(facts, now, config.escalate)


def name_of(episode: "Episode", measured: Measured | None) -> str:
    """What answers about an episode are kept under: its id in the store, else what tells it from others."""
    known = measured.episodes.get((episode.cause, episode.route), "") if measured else ""
    return known or f"{episode.cause}@{episode.route}@{episode.since:.0f}"


def answer(name: str, kind: str, yes: bool, now: float) -> str:
    """Keeps what a person says of an episode; empty, or why it cannot be kept."""
    from seawall.doctor import answers

    place = state()
    known: Kind = next(one for one in answers.KINDS if one == kind)
    try:
        if place is None:
            raise OSError
        answers.record(place, name, known, now, yes)
    except OSError:
        return "your answer cannot be kept: no folder can be written"
    return ""

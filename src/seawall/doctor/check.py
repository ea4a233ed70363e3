"""What a check is, and the frame that runs all of them side by side within one limit.

A check measures and does not judge. One that crashes is a result like any other; what hangs on a failed one is not run.
"""

import asyncio
import importlib
import pkgutil
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from typing import Any

from seawall import redact
from seawall.doctor.subject import Subject

START = 0.7
"""Seconds of a run's time (`doctor.deadline`) that start-up and printing take; the checks have the rest."""
HURRY = 0.5
"""Seconds that the others have once a check has found what settles the question on this machine."""


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"
    UNKNOWN = "unknown"
    CRASH = "crash"


class Weight(StrEnum):
    """What a piece of evidence is worth."""

    DECISIVE = "decisive"
    STRONG = "strong"
    WEAK = "weak"


class Direction(StrEnum):
    """Which way it points."""

    FOR = "for"
    AGAINST = "against"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Sign:
    """A line of evidence. `cause` is a code, or `provider.*` for every cause of a party that has other evidence."""

    cause: str
    text: str
    weight: Weight = Weight.STRONG
    direction: Direction = Direction.FOR
    title: str = ""
    """The headline, where the measurement allows one that is more exact than the catalogue's."""
    at: float | None = None
    """When it was so, in UTC seconds; None: now."""
    check: str = ""
    """Which check it came from; filled in by the frame."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """The measured values behind the text, for programs: JSON values, never a secret. `who`: who answered."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check returns: facts are JSON values, never a secret."""

    state: State
    summary: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    signs: tuple[Sign, ...] = ()
    blocked_by: str = ""
    """The check whose failure is why this one was not run."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What a check may look at: the subject, and the findings of the checks that it needs."""

    subject: Subject
    found: Mapping[str, Finding]

    def fact(self, check: str, name: str) -> Any:
        """A fact that another check found, or None."""
        finding = self.found.get(check)
        return finding.facts.get(name) if finding else None


@dataclass(frozen=True, slots=True)
class Check:
    """A check as it declares itself.

    `needs`: where one of these failed, this one is not run; `any_of`: where all of these failed. `to` says whom it
    asks beyond this machine: `api`, `captive`, `control`, `peers`, `proxy`, `resolver`, `status`.
    """

    id: str
    title: str
    run: Callable[[Probe], Awaitable[Finding]]
    needs: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    """It uses what these found, whatever that is."""
    to: tuple[str, ...] = ()
    limit: float = 3.0
    cost: str = "none"
    settles: bool = False
    """Its failure settles the question: no other needs to be waited for."""


@dataclass(frozen=True, slots=True)
class Result:
    """A check and what came of it; `took` in seconds."""

    check: Check
    finding: Finding
    took: float = 0.0


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose look-ups of names run in threads that nobody waits for: a dead resolver holds up no end."""

    async def getaddrinfo(self, host: Any, port: Any, **kind: Any) -> Any:
        return await in_thread(lambda: socket.getaddrinfo(host, port, **kind))


async def in_thread(work: Callable[[], Any]) -> Any:
    """The result of something that blocks; its thread ends with the process if it never ends itself."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def settle(value: Any, error: BaseException | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(value)
        else:
            done.set_exception(error)

    def run() -> None:
        value, error = None, None
        try:
            value = work()
        except BaseException as raised:
            error = raised
        try:
            loop.call_soon_threadsafe(settle, value, error)
        except RuntimeError:
            pass  # the loop is closed: nobody waits any more

    threading.Thread(target=run, name="seawall-doctor", daemon=True).start()
    return await done


@cache
def checks() -> tuple[Check, ...]:
    """Every check that is there, by id; those that hang on others after them."""
    from seawall.doctor import checks as package

    names = sorted(one.name for one in pkgutil.iter_modules(package.__path__))
    found = {
        one.id: one
        for name in names
        for one in (importlib.import_module(f"{package.__name__}.{name}").CHECK,)
    }
    return ordered(found.values())


def ordered(given: Iterable[Check]) -> tuple[Check, ...]:
    """The checks, each after those that it hangs on; `ValueError` for a circle."""
    left = {one.id: one for one in given}
    done: dict[str, Check] = {}
    while left:
        ready = [one for one in left.values() if not left.keys() & {*one.needs, *one.any_of, *one.after}]
        if not ready:
            raise ValueError(f"these checks hang on each other: {', '.join(sorted(left))}")
        for one in ready:
            done[one.id] = left.pop(one.id)
    return tuple(done.values())


def chosen(given: Sequence[Check], ids: Iterable[str]) -> tuple[Check, ...]:
    """The named checks and what they hang on; `KeyError` with the id of one that is not there."""
    known = {one.id: one for one in given}
    wanted: set[str] = set()
    open_ = list(ids)
    while open_:
        one = known[open_.pop()]
        if one.id not in wanted:
            wanted.add(one.id)
            open_ += [name for name in (*one.needs, *one.any_of, *one.after) if name in known]
    return tuple(one for one in given if one.id in wanted)


def measure(subject: Subject, given: Sequence[Check], whole: float | None = None) -> tuple[Result, ...]:
    """Runs the checks in a loop of its own and returns within `whole` seconds, whatever they do.

    None: what is left of the configured time for a run; those that spend tokens get twice as much.
    """
    if whole is None:
        whole = max(0.3, subject.config.doctor.deadline * (2 if subject.spend else 1) - START)
    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(run_all(subject, given, whole))


async def run_all(subject: Subject, given: Sequence[Check], whole: float) -> tuple[Result, ...]:
    """What came of each check, in their order."""
    results: dict[str, Result] = {}
    known = {one.id: one for one in given}
    tasks: dict[str, asyncio.Task[None]] = {}

    async def one_after_another(check: Check) -> None:
        before = [tasks[name] for name in (*check.needs, *check.any_of, *check.after) if name in tasks]
        if before:
            await asyncio.wait(before)
        found = {name: result.finding for name, result in results.items()}
        begun = time.monotonic()
        finding = _blocked(check, subject, known, found) or await _one(check, Probe(subject, found))
        results[check.id] = Result(check, finding, time.monotonic() - begun)

    for check in given:
        tasks[check.id] = asyncio.create_task(one_after_another(check))
    await _all(tasks, results, whole)
    missing = Finding(State.UNKNOWN, "not finished in the time of the whole run")
    return tuple(results.get(one.id) or Result(one, missing) for one in given)


async def _all(tasks: Mapping[str, asyncio.Task[None]], results: Mapping[str, Result], whole: float) -> None:
    """Waits for all, at most `whole` seconds; less once something is settled. What is left then is cancelled."""
    end = time.monotonic() + whole
    pending: set[asyncio.Task[None]] = set(tasks.values())
    settled = False
    while pending and (left := end - time.monotonic()) > 0:
        _, pending = await asyncio.wait(pending, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        if not settled and any(
            one.check.settles and one.finding.state is State.FAIL for one in results.values()
        ):
            settled, end = True, min(end, time.monotonic() + HURRY)
    for task in pending:
        task.cancel()
    if pending:
        await asyncio.wait(pending, timeout=0.2)


def _blocked(
    check: Check, subject: Subject, known: Mapping[str, Check], found: Mapping[str, Finding]
) -> Finding | None:
    """Why the check is not run, if it is not."""
    if check.to and subject.offline:
        return Finding(State.SKIP, "not run: --offline", {"offline": True})

    def bad(name: str) -> bool:
        return name in found and (found[name].state is State.FAIL or bool(found[name].blocked_by))

    failed = [name for name in check.needs if bad(name)]
    some = [name for name in check.any_of if name in found]
    tried = [name for name in some if found[name].state is not State.SKIP or found[name].blocked_by]
    if tried and all(map(bad, tried)):
        failed.append(tried[0])
    if not failed:
        return None
    first = failed[0]
    root = found[first].blocked_by or first
    return Finding(State.SKIP, f"not run: {known[root].title} failed", blocked_by=root)


async def _one(check: Check, probe: Probe) -> Finding:
    """What the check finds within its limit; never raises but for the run's own end."""
    try:
        async with asyncio.timeout(check.limit):
            finding = await check.run(probe)
    except TimeoutError:
        return Finding(State.UNKNOWN, f"no answer in {check.limit:g} s")
    except Exception as error:
        said = redact.text(" ".join(str(error).split()))[:200]
        return Finding(State.CRASH, f"the check itself failed: {type(error).__name__}: {said}".rstrip(": "))
    return _harmless(finding, check.id)


def _harmless(finding: Finding, check: str) -> Finding:
    """The finding without keys: certificates, headers and names of files say whatever somebody wrote there."""
    signs = tuple(
        replace(
            one,
            check=one.check or check,
            text=redact.keys(one.text),
            title=redact.keys(one.title),
            facts=_without_keys(one.facts),
        )
        for one in finding.signs
    )
    return replace(
        finding, summary=redact.keys(finding.summary), facts=_without_keys(finding.facts), signs=signs
    )


def _without_keys(value: Any) -> Any:
    match value:
        case str():
            return redact.keys(value)
        case Mapping():
            return {redact.keys(str(name)): _without_keys(one) for name, one in value.items()}
        case list() | tuple():
            return [_without_keys(one) for one in value]
        case _:
            return value

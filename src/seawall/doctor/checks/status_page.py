"""What does the status page say of the API and Claude Code, by component and incident? Green proves nothing.

Facts: `host`, `reached`, `indicator`, `components`, `sign_in`, `incidents` (name, impact, state, models),
`maintenance`, `models` (families that all incidents name), `worst` (0 none to 4 critical: the worst of indicator,
component and incident), `updated`, `old` (seconds that the answer was kept on the way). Signs: `provider.*`, strong for
an outage of a product that matters, weak for less, for the page's colour alone, and for an answer that is old; weak
against where it is green; `provider.login_down` (weak) where signing in is in trouble.
"""

import time
from dataclasses import asdict
from typing import Any

from seawall import __version__
from seawall.doctor.check import Check, Direction, Finding, Probe, Sign, State, Weight
from seawall.doctor.checks.net_dns import no_names
from seawall.doctor.reach import Answer, ask
from seawall.doctor.status import BAD, HOSTS, STALE, Page, old, rank, read
from seawall.origin import Origin, is_loopback

_HOPS = 3


def next_place(origin: Origin, location: str, asked: str) -> tuple[Origin, str] | None:
    """Where a redirection leads, if it may be followed: within https, to a host that is known for the page."""
    if location.startswith("/") and not location.startswith("//"):
        return origin, location
    try:
        there, target = Origin.parse(location.partition("?")[0])
    except ValueError:
        return None
    local = is_loopback(there.host) and is_loopback(origin.host)
    if there.host not in (*HOSTS, asked) or not (there.scheme == "https" or local):
        return None
    return there, target


async def _fetch(probe: Probe) -> tuple[Answer, str]:
    """The summary and the host that gave it, by way of at most two redirections."""
    origin, path = Origin.parse(probe.subject.status)
    asked, target = origin.host, f"{path}/api/v2/summary.json"
    headers = {
        "accept": "application/json", "accept-encoding": "identity", "user-agent": f"seawall-doctor/{__version__}",
    }  # fmt: skip
    end = time.monotonic() + 2.7
    answer = Answer()
    for _ in range(_HOPS):
        left = max(0.1, end - time.monotonic())
        answer = await ask(origin, probe.subject.config.network, "GET", target, headers, seconds=left)
        if answer.status not in (301, 302, 303, 307, 308):
            break
        found = next_place(origin, answer.headers.get("location", ""), asked)
        if found is None:
            break
        origin, target = found
    return answer, origin.host


def _said(page: Page, host: str) -> str:
    named = [f"{name}: {state}" for name, state in page.components.items() if rank(state)]
    named += [f"incident: {one.name} ({one.impact})" for one in page.incidents]
    return f"{host}: {'; '.join(named[:3]) or f'indicator {page.indicator}'}"


def signs_of(page: Page, host: str, age: float) -> tuple[Sign, ...]:
    """What the page speaks for."""
    aged = f"; this answer is {age / 60:.0f} min old" if age > STALE else ""
    signs = []
    if page.worst == 0:
        text = f"{host} shows no incident (it often lags)"
        direction = Direction.NEUTRAL if aged else Direction.AGAINST
        signs.append(Sign("provider.*", text + aged, Weight.WEAK, direction))
    else:
        strong = page.products >= BAD and not aged
        text = _said(page, host)
        if page.models:
            text += f"; only {', '.join(page.models)} is named" if len(page.models) == 1 else ""
        signs.append(Sign("provider.*", text + aged, Weight.STRONG if strong else Weight.WEAK))
    for one in page.maintenance[:1]:
        text = f"{host}: maintenance under way: {one.name}"
        signs.append(Sign("provider.*", text, Weight.WEAK, Direction.NEUTRAL))
    down = [f"{name}: {state}" for name, state in page.sign_in.items() if rank(state) >= BAD]
    if down:
        signs.append(Sign("provider.login_down", f"{host}: {'; '.join(down)}", Weight.WEAK))
    return tuple(signs)


async def run(probe: Probe) -> Finding:
    if (dead := no_names(probe)) is not None:
        return dead
    answer, host = await _fetch(probe)
    unread: dict[str, Any] = {"host": host, "reached": False}
    if answer.status != 200:
        said = answer.text.rstrip(".") if answer.status is None else f"status {answer.status}"
        return Finding(State.UNKNOWN, f"{host} cannot be read: {said}", unread)
    try:
        page = read(answer.body)
    except (ValueError, RecursionError):
        return Finding(State.UNKNOWN, f"{host} answered with something that is no status page", unread)
    age = old(answer.headers, time.time())
    date = (
        "" if "age" in answer.headers else answer.headers.get("date", "")[:40]
    )  # a kept answer's is of then
    facts: dict[str, Any] = {
        "host": host, "reached": True, "indicator": page.indicator, "components": dict(page.components),
        "sign_in": dict(page.sign_in), "incidents": [asdict(one) for one in page.incidents],
        "maintenance": [one.name for one in page.maintenance], "models": list(page.models), "worst": page.worst,
        "updated": page.updated, "old": round(age), "date": date,
    }  # fmt: skip
    signs = signs_of(page, host, age)
    if page.worst == 0:
        return Finding(State.OK, "no open incident", facts, signs)
    return Finding(State.WARN, signs[0].text, facts, signs)


CHECK = Check("status.page", "status page", run, needs=("net.link",), after=("net.dns",), to=("status",))

"""`seawall watch --notify`: follows trouble without a view, tells those who do not look, and ends with the trouble.

The gateway starts it when trouble has lasted as long as `notify.after`; what it takes of memory and time is never the
gateway's (decision 0037).
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from seawall.cli import gateways, measured
from seawall.cli.common import Common, ExitCode, load_settings
from seawall.cli.telling import Teller
from seawall.cli.telling import place as journal_place
from seawall.config import Config
from seawall.view.facts import Gateway, gateway
from seawall.view.notify import Event, Seen, look
from seawall.view.ways import open_ways

EVERY = 2.0


def follow(common: Common, down: str = "", sleep: Callable[[float], None] = time.sleep) -> int:
    """Tells what happens until nothing is wrong any more. `down`: the address of a gateway that is known to be gone.

    A second one ends at once: the first follows all gateways of the user.
    """
    from seawall.gateway import runtime

    config = load_settings(common, {}, os.environ).config
    if not open_ways(config.notify, os.environ):
        common.say("no way of notification is open: see [notify] in the settings, and --test-notify")
        return ExitCode.OK
    teller = Teller(config, os.environ, journal_place())
    if down:
        now = time.time()
        _tell(teller, Event("gateway_down", down, now - 600, now), [], common)
    try:
        place = runtime.folder(os.environ, create=True)
    except runtime.Trouble:
        return ExitCode.OK
    with _alone(place) as alone:
        if alone:
            _follow(config, teller, common, sleep)
    return ExitCode.OK


@contextlib.contextmanager
def _alone(place: Path | None) -> Iterator[bool]:
    """Whether nobody else follows; while inside nobody else does."""
    import fcntl

    assert place is not None
    descriptor = os.open(place / "notify.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def _follow(config: Config, teller: Teller, common: Common, sleep: Callable[[float], None]) -> None:
    measuring = measured.Measuring(common)
    seen = Seen()
    while True:
        now = time.time()
        found = [gateway(one) for one in gateways.observed(os.environ, now)]
        seen, events = look(seen, found, now, config.notify, _due(config, seen, found, measuring, now))
        for event in events:
            _tell(teller, event, found, common, measuring.latest)
        if not (seen.troubled or any(not gone.said for gone in seen.gone.values())):
            return
        sleep(EVERY)


def _due(
    config: Config, seen: Seen, found: list[Gateway], measuring: measured.Measuring, now: float
) -> list[str]:
    """Hosts whose trouble is to be reported by now; nothing is measured before that could be."""
    if "escalate_now" not in config.notify.on:
        return []
    due = []
    for episode in seen.episodes.values():
        here = next((one for one in found if one.route == episode.route), None)
        soon = min(config.escalate.provider_after, config.escalate.other_after) - measured.EVERY
        if here is None or episode.recovered_at is not None or now - episode.since < soon:
            continue
        known = measuring.look(here.upstream, [episode], now)
        if measured.judged(config, episode, known, here.succeeded_at, now).state == "now":
            due.append(episode.route)
    return due


def _tell(
    teller: Teller,
    event: Event,
    found: list[Gateway],
    common: Common,
    known: measured.Measured | None = None,
) -> None:
    """Tells it; with what is to be reported by now goes word of the report, which is made ready first.

    A report is made ready in quiet hours too, when nobody is told.
    """

    def ready() -> str:
        from seawall.cli.ready import made

        said = made(common, event, known)
        common.say(said)
        return said

    due = event.kind == "escalate_now"
    why, sent = teller.tell(event, found, ready if due else None)
    if due and why in ("quiet", "many"):
        ready()
    if why:
        return
    for line in teller.troubles(sent):
        common.say(line)

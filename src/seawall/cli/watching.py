"""What `seawall watch` knows from one look to the next, and what keys do."""

import os
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from seawall.cli import measured
from seawall.cli.changed import changed
from seawall.cli.common import Common
from seawall.clock import duration, local
from seawall.config import EVENTS, Config, Notify
from seawall.history.usual import Usual, usual
from seawall.view.facts import Gateway, gateway
from seawall.view.frame import Around, Gone, Scene
from seawall.view.notify import Episode, Event, Seen, look

GONE_MOST = 3
"""Gateways that have gone and are still shown."""
SAID_MOST = 3
"""Lines on what has happened that are still shown."""
SETTLE = 10.0
"""Whoever watches is told this soon after the last failure: a relapse they see as well."""
RULES = Notify(after=0.0, settle=SETTLE)
KEYS = "b I restarted  n other network tried  r community page  m notify me  e explain"
_FRESH = 120.0
"""Seconds for which it need not be said when the way was measured."""
_QUESTIONS = {"r": "Do others report it too? y or n", "n": "Does it fail on the other network too? y or n"}


@dataclass(slots=True)
class Watched:
    """What was seen last, what has gone since the watching began, what was said of it, and what was asked."""

    common: Common = field(default_factory=Common)
    config: Config = field(default_factory=Config)
    ring: Callable[[str], None] = lambda _: None
    """Rings the bell, and shows the text where this terminal can."""
    measuring: "measured.Measuring | None" = None
    """None: nothing is measured."""
    now: list[Gateway] = field(default_factory=list)
    gone: dict[str, Gone] = field(default_factory=dict)
    seen: Seen = field(default_factory=Seen)
    said: deque[str] = field(default_factory=lambda: deque(maxlen=SAID_MOST))
    back: str = ""
    """What was said last of an end."""
    notifies: bool = False
    """The person asked to be told of the end, however short."""
    explains: str = ""
    """The cause whose explanation is shown."""
    _asked: str = ""
    _measured: "measured.Measured | None" = None
    _usual: dict[str, Usual] = field(default_factory=dict)

    def look(self, found: Sequence[Mapping[str, object]], wall: float) -> list[Event]:
        """Takes what is seen now, and returns what has happened; a gateway at an address where one had gone is back."""
        seen = [gateway(one) for one in found]
        present = {one.address for one in seen}
        for one in self.now:
            if one.address not in present:
                self.gone[one.address] = Gone(one.address, local(wall))
        self.gone = {address: gone for address, gone in self.gone.items() if address not in present}
        while len(self.gone) > GONE_MOST:
            del self.gone[next(iter(self.gone))]
        self.now = seen
        self.seen, events = look(self.seen, seen, wall, RULES)
        if self.measuring is not None and seen:
            going_on = [one for one in self.seen.episodes.values() if one.recovered_at is None]
            self._measured = self.measuring.look(seen[0].upstream, going_on, wall)
        for event in events:
            self._happened(event)
        return events

    @property
    def fine(self) -> bool:
        """Whether a gateway says so, nothing is held, and no trouble goes on or is just over."""
        return (
            bool(self.now)
            and not self.seen.troubled
            and all(one.answers and not one.held for one in self.now)
        )

    def _happened(self, event: Event) -> None:
        if event.kind == "recovered":
            cut = any(one.cut_at is not None and one.cut_at >= event.since for one in self.now)
            self.back = back(event, changed(event.since) if cut else "")
            self.said.append(self.back)
            if self.config.notify.bell:
                self.ring(self.back)
        elif event.kind != "gateway_down":
            return
        lasted = (event.ended_at or event.at) - event.since
        if self.notifies or lasted >= self.config.notify.after:
            # Not waited for: a dead webhook takes its time.
            asked, self.notifies = self.notifies, False
            threading.Thread(
                target=self._tell, args=(event, asked, list(self.now)), name="seawall-tells", daemon=True
            ).start()

    def _tell(self, event: Event, asked: bool, gateways: list[Gateway]) -> None:
        from seawall.cli.telling import Teller, place

        config = self.config
        if asked:
            config = replace(config, notify=replace(config.notify, on=EVENTS, quiet=""))
        teller = Teller(config, os.environ, place())
        _, sent = teller.tell(event, gateways)
        self.said.extend(teller.troubles(sent))

    def told(self, event: Event) -> dict[str, object]:
        """An event as `watch --json` has it: the object that a webhook gets."""
        from seawall.cli.telling import message_of
        from seawall.view.ways import as_json

        return as_json(message_of(event, self.now, self.config))

    # -- keys -------------------------------------------------------------------------------------------------

    def press(self, typed: str, wall: float) -> None:
        """Does what the keys say; an arrow key says nothing."""
        if typed.startswith("\x1b"):
            return
        for key in typed.lower():
            self._press(key, wall)

    def _press(self, key: str, wall: float) -> None:
        asked, self._asked = self._asked, ""
        if self.explains:
            self.explains = ""
        elif asked and key in "yn":
            self._answer("community" if asked == "r" else "other_network", key == "y", wall)
        elif key == "e":
            self.explains = next((one.cause for one in self.now if one.cause), "")
            if not self.explains:
                self.said.append("nothing is wrong just now: there is nothing to explain")
        elif key == "m":
            self._notify_me()
        elif key in "bnr" and self._episode() is None:
            self.said.append("nothing goes on that an answer could be about")
        elif key == "b":
            self._answer("restarted", True, wall)
        elif key in "nr":
            if key == "r":
                self._open_community()
            self._asked = key
            self.said.append(_QUESTIONS[key])

    def _episode(self) -> Episode | None:
        return min(self.seen.episodes.values(), key=lambda one: one.since, default=None)

    def _notify_me(self) -> None:
        from seawall.view.ways import open_ways

        self.notifies = not self.notifies
        ways = open_ways(self.config.notify, os.environ) + (["bell"] if self.config.notify.bell else [])
        if not self.notifies:
            self.said.append("you will be told as the settings say")
        elif ways:
            self.said.append(f"you will be told when it is over: {', '.join(ways)}")
        else:
            self.said.append("no way to tell you is open; `seawall watch --test-notify` says why")

    def _open_community(self) -> None:
        from seawall.cli.browser import opened
        from seawall.doctor.answers import COMMUNITY

        if not opened(COMMUNITY, os.environ):
            self.said.append(COMMUNITY)

    def _answer(self, kind: str, yes: bool, wall: float) -> None:
        episode = self._episode()
        if episode is None:
            return
        name = measured.recorded_id(self.common, episode, wall) or measured.name_of(episode, self._measured)
        if self._measured is not None:
            ids = {**self._measured.episodes, (episode.cause, episode.route): name}
            self._measured = replace(self._measured, episodes=ids)
        trouble = measured.answer(name, kind, yes, wall)
        self.said.append(trouble or f"noted at {local(wall)}")

    # -- what is shown ----------------------------------------------------------------------------------------

    def scene(self, wall: float, hint: str, keys: str = "", lanes: bool = False) -> Scene:
        """What a frame shows."""
        causes = {one.cause for one in self.now if one.cause}
        for cause in causes - self._usual.keys():
            self._usual[cause] = usual(cause, self.config.store) or Usual(0)
        return Scene(
            local(wall),
            self.now,
            tuple(self.gone.values()),
            hint,
            {cause: self._usual[cause] for cause in causes},
            self.around(wall),
            tuple(self.said),
            keys,
            lanes,
        )

    def around(self, wall: float) -> Around:
        """What was measured last, in words."""
        known, episode = self._measured, self._episode()
        escalation = ""
        if episode is not None and self.measuring is not None:
            here = next((one for one in self.now if one.route == episode.route), None)
            accepted = here.succeeded_at if here else None
            one = measured.judged(self.config, episode, known, accepted, wall)
            escalation = one.text
            if one.state == "not_yet" and one.opens_at is not None:
                escalation = f"not yet, {local(one.opens_at)} · {one.met} of {len(one.gates)} gates met"
        if known is None:
            return Around(escalation=escalation)
        way, bad = _way(known)
        if wall - known.at > _FRESH:
            way += f", measured {local(known.at)}"
        page = next((one.finding for one in known.results if one.check.id == "status.page"), None)
        read = page is not None and page.state.value != "skip"
        return Around(
            known.facts("api.path"),
            way,
            bad,
            page.summary if page is not None and read else "",
            local(known.at),
            page is not None and page.state.value == "warn",
            escalation,
        )


def _way(known: "measured.Measured") -> tuple[str, bool]:
    """What came of the way: fine, or the first thing that failed."""
    beside = ("status.page", measured.CONTROL)
    failed = [
        one for one in known.results if one.finding.state.value == "fail" and one.check.id not in beside
    ]
    if failed:
        return failed[0].finding.summary, True
    edge = next((one.finding for one in known.results if one.check.id == "api.edge"), None)
    if edge is None or edge.state.value in ("skip", "unknown", "crash"):
        return edge.summary if edge is not None else "", False
    return "fine", False


def back(event: Event, changed: str = "") -> str:
    """The line on the end of trouble: `Back at 14:24:02 after 5 min 12 s. 2 held calls finished.`"""
    ended = event.ended_at if event.ended_at is not None else event.at
    said = f"Back at {local(ended)} after {duration(max(0.0, ended - event.since))}."
    if event.finished:
        said += f" {event.finished} held call{'s' if event.finished != 1 else ''} finished."
    if event.given_up:
        said += f" {event.given_up} given up."
    return f"{said} {changed}".rstrip()

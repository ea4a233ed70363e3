"""Telling somebody who does not look: what may be told now, by all ways that are set, kept count of in one place."""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from seawall.config import Config
from seawall.view.facts import Gateway
from seawall.view.frame import title
from seawall.view.notify import Event, Told, Waiting, admit, made_up, noted, put_off, text
from seawall.view.ways import Message, Sent, send

FILE = "notified.json"
"""In the user's state folder: when what was told, and which ways failed last."""


class Teller:
    """Tells events that are to be told. All of a user's processes share one journal, and with it one count."""

    def __init__(self, config: Config, environ: Mapping[str, str], place: Path | None) -> None:
        self._config, self._environ, self._place = config, environ, place
        self._journal: list[Told] = []
        self._waiting: list[Waiting] = []
        self._failing: dict[str, str] = {}

    def tell(
        self, event: Event, gateways: Sequence[Gateway], more: Callable[[], str] | None = None
    ) -> tuple[str, list[Sent]]:
        """Tells one event: why not, or nothing and what became of it on each way. Takes up to 15 seconds.

        `more`: asked for a sentence that is added, once it is sure that the event is told.
        """
        now = time.time()
        with self._locked():
            self._read()
            local = time.localtime(now)
            why = admit(self._journal, event, now, 60 * local.tm_hour + local.tm_min, self._config.notify)
            if why and why != "many":
                return why, []
            message = message_of(event, gateways, self._config)
            if why:
                self._waiting = put_off(self._waiting, event, message.text, now)
                self._write()
                return why, []
            waited = made_up(self._waiting, event, now, self._config.notify)
            # First noted, then sent: whatever happens in between, nobody is told twice.
            self._journal, self._waiting = noted(self._journal, event, now), []
            self._write()
        message = replace(message, text=message.text + waited)
        if more is not None:
            message = replace(message, text=f"{message.text} {more()}".rstrip())
        return "", asyncio.run(send(message, self._config.notify, self._config.network, self._environ))

    def troubles(self, sent: Sequence[Sent]) -> list[str]:
        """A sentence for each way that has failed and had not before: a way that stays dead is told once."""
        with self._locked():
            self._read()
            bad = {one.way: one.text for one in sent if one.arrived is False and one.way != "desktop"}
            new = [f"notifications by {way}: {said}" for way, said in bad.items() if way not in self._failing]
            tried = {one.way for one in sent}
            self._failing = {way: said for way, said in self._failing.items() if way not in tried} | bad
            self._write()
        return new

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time reads and writes; without a folder each keeps its own."""
        if self._place is None:
            yield
            return
        from seawall.gateway.runtime import locked

        with contextlib.ExitStack() as stack:
            try:
                self._place.mkdir(mode=0o700, parents=True, exist_ok=True)
                stack.enter_context(locked(self._place / f"{FILE}.lock"))
            except OSError:
                self._place = None
            yield

    def _read(self) -> None:
        from seawall.doctor import kept

        value = kept.read(self._place / FILE) if self._place is not None else None
        if value is None:
            return
        self._journal = [one for row in _rows(value.get("told")) if (one := _told(row)) is not None]
        self._waiting = [late for row in _rows(value.get("waiting")) if (late := _waits(row)) is not None]
        failing = value.get("failing")
        self._failing = (
            {str(way): str(said) for way, said in failing.items()} if isinstance(failing, dict) else {}
        )

    def _write(self) -> None:
        from seawall.doctor import kept

        if self._place is None:
            return
        told = [[one.at, one.kind, one.subject] for one in self._journal]
        waiting = [[one.at, one.kind, one.subject, one.since, one.text] for one in self._waiting]
        whole = {
            "schema": "seawall.notified/1",
            "told": told,
            "waiting": waiting,
            "failing": self._failing,
        }
        try:
            kept.write(self._place / FILE, whole)
        except OSError:
            self._place = None


def _rows(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _told(row: Any) -> Told | None:
    try:
        at, kind, subject = row
        return Told(float(at), str(kind), str(subject))
    except (TypeError, ValueError):
        return None


def _waits(row: Any) -> Waiting | None:
    try:
        at, kind, subject, since, said = row
        return Waiting(float(at), str(kind), str(subject), float(since), str(said))
    except (TypeError, ValueError):
        return None


def message_of(event: Event, gateways: Sequence[Gateway], config: Config, *, test: bool = False) -> Message:
    """The event with its text, whose side it is on, how long such trouble lasts, and where to look."""
    here = next((one for one in gateways if one.route == event.subject and one.address), None)
    name = here.host if here else event.subject
    what, side = title(event.cause, name, event.by_api) if event.cause else ("", "")
    said = text(event, side, what)
    return Message(
        event,
        f"A test of notifications: {said}" if test else said,
        event.cause.partition(".")[0],
        side,
        _outlook(event, config),
        here.address if here else "",
        test,
    )


def _outlook(event: Event, config: Config) -> str:
    from seawall.clock import duration
    from seawall.history.usual import usual

    if event.kind not in ("opened", "held", "escalate_now") or not event.cause:
        return ""
    known = usual(event.cause, config.store)
    return f"3 of 4 like this are over by {duration(known.p75)}." if known and known.p75 is not None else ""


def test(config: Config, environ: Mapping[str, str]) -> list[Sent]:
    """Sends a test message on every way that is set; nothing of it counts."""
    now = time.time()
    event = Event(
        "recovered",
        "api.anthropic.com",
        now - 372,
        now,
        "provider.overloaded",
        ("opus",),
        now - 60,
        finished=2,
    )
    message = message_of(event, (), config, test=True)
    return asyncio.run(send(message, config.notify, config.network, environ))


def place() -> Path | None:
    """Where the journal is."""
    from seawall.doctor import kept

    return kept.folder(os.environ)

"""One journal for all who tell; what a message says; a dead way is reported once."""

import json
import os
import stat
import time
from dataclasses import replace
from pathlib import Path

import pytest

from seawall.cli import telling
from seawall.cli.telling import FILE, Teller, message_of, test
from seawall.clock import local
from seawall.config import EVENTS, Config, Notify, Store
from seawall.history import usual
from seawall.view.facts import gateway
from seawall.view.notify import Event
from seawall.view.ways import Message, Sent

test.__test__ = False  # type: ignore[attr-defined]
ENVIRON = {"PATH": "/nonexistent"}
CONFIG = Config(notify=Notify(on=EVENTS, quiet="", desktop=False))
EVENT = Event(
    "recovered",
    "api.anthropic.com",
    time.time() - 400,
    time.time(),
    "provider.overloaded",
    ended_at=time.time() - 60,
)


def test_all_who_tell_keep_one_count(tmp_path: Path) -> None:
    """What one has told the other does not tell again; six an hour are for both."""
    one, other = Teller(CONFIG, ENVIRON, tmp_path), Teller(CONFIG, ENVIRON, tmp_path)
    assert one.tell(EVENT, [])[0] == ""
    assert other.tell(EVENT, [])[0] == "told"
    whys = [(one, other)[n % 2].tell(replace(EVENT, subject=str(n)), [])[0] for n in range(7)]
    assert whys == [""] * 5 + ["many"] * 2
    file = tmp_path / FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(json.loads(file.read_text())["told"]) == 6


def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that go out, instead of going out."""
    texts: list[str] = []

    async def send(message: Message, *_: object) -> list[Sent]:
        texts.append(message.text)
        return []

    monkeypatch.setattr(telling, "send", send)
    return texts


def test_what_the_limit_kept_back_is_told_with_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, with its time, by whoever tells next; of an episode that the next one is about itself nothing twice."""
    texts, now = sent(monkeypatch), time.time()
    one, other = Teller(CONFIG, ENVIRON, tmp_path), Teller(CONFIG, ENVIRON, tmp_path)
    for n in range(6):
        one.tell(replace(EVENT, subject=f"host{n}"), [])
    late = replace(EVENT, subject="api.anthropic.com", finished=4, since=now - 287, ended_at=now - 60)
    assert [teller.tell(late, [])[0] for teller in (one, other)] == ["many", "many"]
    assert other.tell(replace(EVENT, kind="opened", subject="host7", since=now - 50), [])[0] == "many"
    assert len(texts) == 6
    monkeypatch.setattr(time, "time", lambda: now + 3700)
    assert other.tell(replace(EVENT, subject="host7", since=now - 50, ended_at=now), [])[0] == ""
    assert texts[6] == (
        "host7 is back after 50 s. Not told before, as 6 an hour are the most: "
        f"{local(now, seconds=False)} Claude is back after 3 min 47 s; 4 held calls finished."
    )
    one.tell(replace(EVENT, subject="host8"), [])
    assert "Not told before" not in texts[7]


def test_what_waits_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three are told and the others counted; what is a day old is news no more."""
    texts, now = sent(monkeypatch), time.time()
    teller = Teller(CONFIG, ENVIRON, tmp_path)
    for n in range(6 + 200):
        teller.tell(replace(EVENT, subject=f"host{n}"), [])
    assert len(json.loads((tmp_path / FILE).read_text())["waiting"]) <= 50
    monkeypatch.setattr(time, "time", lambda: now + 3700)
    teller.tell(replace(EVENT, subject="next"), [])
    assert texts[6].count(" is back after") == 1 + 3
    assert texts[6].endswith("; and 47 more.")
    for n in range(6):
        teller.tell(replace(EVENT, subject=f"old{n}"), [])
    monkeypatch.setattr(time, "time", lambda: now + 3700 + 90_000)
    teller.tell(replace(EVENT, subject="tomorrow"), [])
    assert "Not told before" not in texts[-1]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"told": 5}',
        '{"told": [[1], ["x", 2, 3], null]}',
        "\xff",
        '{"failing": [1]}',
        '{"waiting": [[1], 5, null]}',
    ],
)
def test_a_journal_that_is_broken(tmp_path: Path, content: str) -> None:
    """It is begun anew."""
    (tmp_path / FILE).write_text(content, "latin-1")
    assert Teller(CONFIG, ENVIRON, tmp_path).tell(EVENT, [])[0] == ""
    assert Teller(CONFIG, ENVIRON, tmp_path).tell(EVENT, [])[0] == "told"


def test_without_a_folder(tmp_path: Path) -> None:
    """Where nothing can be kept each process keeps its own count, and still tells once."""
    (tmp_path / "file").write_text("")
    for place in (None, tmp_path / "file" / "below"):
        teller = Teller(CONFIG, ENVIRON, place)
        assert [teller.tell(EVENT, [])[0] for _ in range(2)] == ["", "told"]


def test_a_way_that_fails_is_reported_once(tmp_path: Path) -> None:
    """By whoever tells; again only after it had worked; a machine without a desktop is no failure."""
    dead, well = Sent("webhook", False, "x.example answered 500, 3 times"), Sent("webhook", True, "took it")
    said = ["notifications by webhook: x.example answered 500, 3 times"]
    one, other = Teller(CONFIG, ENVIRON, tmp_path), Teller(CONFIG, ENVIRON, tmp_path)
    assert one.troubles([dead, Sent("desktop", False, "there is none")]) == said
    assert one.troubles([dead]) == other.troubles([dead]) == []
    assert other.troubles([Sent("slack", True, "took it")]) == one.troubles([dead]) == []
    assert other.troubles([well]) == []
    assert one.troubles([dead]) == said


def test_what_a_message_has() -> None:
    """Party, side, and where to look; a test says that it is one."""
    here = gateway({"address": "http://127.0.0.1:8787", "upstream": "https://api.anthropic.com"})
    message = message_of(EVENT, [here], CONFIG)
    assert (message.party, message.side, message.link) == (
        "provider",
        "Anthropic's side",
        "http://127.0.0.1:8787",
    )
    assert message.text.startswith("Claude is back after 5 min 40 s")
    down = message_of(Event("gateway_down", "http://127.0.0.1:8787", 0.0, 0.0), [], CONFIG, test=True)
    assert (down.party, down.side, down.test) == ("", "", True)
    assert down.text.startswith("A test of notifications: The gateway at http://127.0.0.1:8787 has ended")


def test_a_test_counts_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is sent whatever was told, and leaves no entry."""
    monkeypatch.setitem(os.environ, "HOME", str(tmp_path))
    [sent] = test(Config(notify=Notify(on=(), webhook="nonsense", desktop=False)), ENVIRON)
    assert (sent.way, sent.arrived) == ("webhook", False)
    assert list(tmp_path.rglob(FILE)) == []


def test_the_outlook_is_your_own_history(tmp_path: Path) -> None:
    """Where eight earlier ones are known, of what goes on; an end needs none."""
    config = replace(CONFIG, store=Store(path=str(tmp_path / "seawall.db")))
    opened = replace(EVENT, kind="opened", ended_at=None)
    assert message_of(opened, [], config).outlook == ""
    usual.keep(tmp_path / "seawall.db", {"provider.overloaded": usual.Usual(23, 120.0, 240.0, 660.0)})
    assert message_of(opened, [], config).outlook == "3 of 4 like this are over by 4 min."
    assert message_of(EVENT, [], config).outlook == ""

"""What a person has answered about an episode: that they restarted, tried another network, looked at what others say.

Kept in one small file of the user's state folder (mode 600), for the newest episodes only. No check could measure it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from seawall.doctor import kept

FILE = "answers.json"
COMMUNITY = "https://github.com/anthropics/claude-code/issues?q=is%3Aissue+sort%3Acreated-desc"
"""Opened by the person where they ask for it; never read by Seawall."""
MOST = 50
"""Episodes that are remembered."""

Kind = Literal["restarted", "other_network", "other_login", "community"]
KINDS: tuple[Kind, ...] = ("restarted", "other_network", "other_login", "community")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: what was said, and when (UTC seconds)."""

    yes: bool
    at: float


@dataclass(frozen=True, slots=True)
class Answers:
    """What was answered about one episode; None where it was not."""

    restarted: Answer | None = None
    """The client was restarted."""
    other_network: Answer | None = None
    """Yes: it fails on another network too."""
    other_login: Answer | None = None
    """Yes: it fails with another way of signing in too."""
    community: Answer | None = None
    """Yes: others report it too."""


def of(place: Path | None, episode: str) -> Answers:
    """What was answered about the episode; a file that is broken holds no answers. `place`: as `kept.folder` says."""
    episodes = _read(place) if place is not None else {}
    return _answers(episodes.get(_known(episodes, episode), {}))


def record(place: Path, episode: str, kind: Kind, now: float, yes: bool = True) -> Answers:
    """Keeps one answer and returns all about the episode; `OSError` where nothing can be written."""
    episodes = _read(place)
    own = episodes.pop(_known(episodes, episode), {}) | {kind: {"yes": yes, "at": now}}
    newest = dict(list(episodes.items())[-(MOST - 1) :])
    kept.write(place / FILE, {"schema": "seawall.answers/1", "episodes": newest | {episode: own}})
    return _answers(own)


def _read(place: Path) -> dict[str, dict[str, Any]]:
    episodes = (kept.read(place / FILE) or {}).get("episodes")
    if not isinstance(episodes, dict):
        return {}
    return {key: one for key, one in episodes.items() if isinstance(one, dict)}


def _known(episodes: Mapping[str, Any], episode: str) -> str:
    """The key that the episode has: its id grows when another begins with the same digits."""
    return next(
        (key for key in episodes if episode and (key.startswith(episode) or episode.startswith(key))), episode
    )


def _answers(own: Mapping[str, Any]) -> Answers:
    return Answers(**{kind: _answer(own.get(kind)) for kind in KINDS})


def _answer(value: Any) -> Answer | None:
    if not isinstance(value, dict) or not isinstance(value.get("yes"), bool):
        return None
    at = value.get("at")
    return Answer(value["yes"], float(at)) if isinstance(at, (int, float)) else None

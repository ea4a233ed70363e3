"""Which note belongs to which episode."""

from collections.abc import Sequence

from seawall.history.episodes import Episode
from seawall.store.bursts import Note
from seawall.store.notes import Cells


def note_of(episode: Episode, notes: Sequence[Note]) -> Note | None:
    """The newest note of this episode: of its id, or of one that has become part of it since.

    Where older failures come in later (an import), an episode begins earlier and has another id.
    """
    own = [
        one
        for one in notes
        if one.key == episode.key
        or (
            (one.cause, one.route) == (episode.cause, episode.route)
            and episode.opened_at <= one.opened_at <= episode.until
        )
    ]
    return max(own, key=lambda one: one.noted_at, default=None)


def row(episode: Episode, text: str, at: float) -> Cells:
    """The row of the store's table `episode` for a note of it, written at this time (UTC seconds)."""
    return {
        "id": episode.key,
        "cause": episode.cause,
        "party": episode.cause.partition(".")[0],
        "route": episode.route,
        "family": episode.families[0] if len(episode.families) == 1 else "",
        "account": "",
        "utc_offset": episode.utc_offset,
        "opened_at": episode.opened_at,
        "last_failure_at": episode.last_failure_at,
        "closed_at": episode.until if episode.ended else None,
        "censored": not episode.ended,
        "attempts": episode.attempts,
        "calls": episode.calls,
        "held": max(0, episode.calls - episode.given_up - episode.broken),
        "lost": episode.given_up + episode.broken,
        "waited": 0.0,
        "longest_hold": episode.holds[1] if episode.holds else 0.0,
        "note": text,
        "noted_at": at,
    }

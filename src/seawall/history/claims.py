"""Busy hours that somebody named in public: shown as claims with their dates, never used as figures."""

import re
from dataclasses import dataclass

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SHAPE = re.compile(
    r"(?P<days>[a-z]{3}(?:-[a-z]{3})?)\s+(?P<hours>\d{1,2}-\d{1,2})\s+(?P<zone>[A-Za-z0-9_+/-]{1,64})",
    re.ASCII,
)
_NAMED = {"mon-fri": "on weekdays", "sat-sun": "at weekends", "mon-sun": "every day"}
_ZONES = {"America/Los_Angeles": "Pacific", "America/New_York": "Eastern", "UTC": "UTC"}
"""As people there say; another zone by its name."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One such statement."""

    days: str
    first: int
    last: int
    """Hours of the day there, from the one up to the other."""
    zone: str
    source: str
    date: str
    withdrawn: str

    @property
    def said(self) -> str:
        """`9-17 h Pacific on weekdays`."""
        days = _NAMED.get(self.days, f"on {self.days}")
        return f"{self.first}-{self.last} h {_ZONES.get(self.zone, self.zone)} {days}"


def claim(text: str) -> Claim | None:
    """The claim in a line of the settings: `mon-fri 09-17 America/Los_Angeles; who; when; withdrawn when`."""
    when, *rest = (part.strip() for part in text.split(";"))
    found = _SHAPE.fullmatch(when)
    if found is None or not 1 <= len(rest) <= 3 or not rest[0]:
        return None
    first, last = (int(one) for one in found["hours"].split("-"))
    days = found["days"].split("-")
    if not (first < 24 and 0 < last <= 24 and first != last) or any(day not in WEEK for day in days):
        return None
    source, date, withdrawn = [*rest, "", ""][:3]
    return Claim(found["days"], first, last, found["zone"], source, date, withdrawn)

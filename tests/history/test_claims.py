"""Busy hours that somebody published."""

import pytest

from seawall.config import Plan
from seawall.history.claims import Claim, claim


def test_those_of_the_settings() -> None:
    """The defaults are read, and said as people say them."""
    first, second = (claim(text) for text in Plan().published_peaks)
    assert first == Claim("mon-fri", 9, 17, "America/Los_Angeles", "a source document", "2026", "")
    assert second is not None
    assert (second.said, second.withdrawn) == ("5-11 h Pacific on weekdays", "2026-05-06")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sat-sun 22-04 UTC; me", "22-4 h UTC at weekends"),
        ("mon-sun 0-24 Asia/Kolkata; me", "0-24 h Asia/Kolkata every day"),
        ("wed 10-12 Europe/Berlin; me; 2026", "10-12 h Europe/Berlin on wed"),
    ],
)
def test_any_days_and_zone(text: str, said: str) -> None:
    """Named where there is a name for it."""
    found = claim(text)
    assert found is not None
    assert found.said == said


@pytest.mark.parametrize(
    "text",
    ["", ";", "mon-fri 9-17 UTC", "mon-fri 9-17 UTC;", "mon-foo 9-17 UTC; me", "mon-fri 9-17; me",
     "mon-fri 9-9 UTC; me",
     "mon-fri 9-25 UTC; me", "mon-fri 24-3 UTC; me", "mon-fri 9-17 UTC; a; b; c; d", "mon-fri ٩-17 UTC; me",
     "x" * 100_000, "mon-fri 9-17 \x1b[2J; me"],
)  # fmt: skip
def test_what_is_no_claim(text: str) -> None:
    """It is none, and nothing breaks."""
    assert claim(text) is None

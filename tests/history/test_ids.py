"""What the id of an incident looks like."""

import pytest

from seawall.history.episodes import episodes
from seawall.history.ids import LONGEST, SHORTEST, begins_one, is_id
from seawall.store.bursts import Burst


@pytest.mark.parametrize(
    ("text", "whole", "begins"),
    [
        ("7f3a", True, True), ("dead", True, True), ("0123456789abcdef", True, True), ("7f", False, True),
        ("7F3A", False, True), ("7", False, False), ("0123456789abcdef0", False, False), ("7f3g", False, False),
        ("7f3a\n", False, False), ("", False, False), ("٣٣٣٣", False, False),
    ],
)  # fmt: skip
def test_what_may_be_one(text: str, whole: bool, begins: bool) -> None:
    """Lower hex digits, from four to sixteen; a beginning may be shorter, and in capitals."""
    assert (is_id(text), begins_one(text)) == (whole, begins)


def test_every_incident_has_one() -> None:
    """Of many, the short ids and the whole keys."""
    found = episodes([Burst("a.b", "api", 1e9 + 1e4 * n, 1e9 + 1e4 * n) for n in range(500)], [], 2e9)
    assert all(is_id(one.id) and is_id(one.key) for one in found)
    assert {SHORTEST, LONGEST} <= {len(text) for one in found for text in (one.id, one.key)}

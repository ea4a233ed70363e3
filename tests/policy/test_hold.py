"""How long a call is held, and when its answer is opened."""

import pytest

from seawall.config import Hold
from seawall.policy.hold import Client, Patience, plan, stated_limit

PARAMS = Hold()


@pytest.mark.parametrize(
    ("limit", "claude_code", "loopback", "expected"),
    [
        (600.0, True, True, Patience(900.0, 240.0)),
        (600.0, False, True, Patience(900.0, 240.0)),
        (120.0, False, True, Patience(900.0, 105.0)),
        (60.0, False, True, Patience(900.0, 45.0)),
        (59.0, False, True, Patience(900.0, None, 0.8 * 59)),
        (5.0, True, True, Patience(900.0, None, 4.0)),
        (None, True, True, Patience(900.0, 240.0)),
        (None, False, True, Patience(900.0, 45.0)),
        (600.0, True, False, Patience(900.0, 45.0)),
        (None, True, False, Patience(900.0, 45.0)),
        (30.0, False, False, Patience(900.0, None, 24.0)),
    ],
)
def test_plan(limit: float | None, claude_code: bool, loopback: bool, expected: Patience) -> None:
    """Opening comes before the client's limit, or never where that is too near (rule 3)."""
    client = Client(limit, claude_code, loopback)
    assert plan(client, auxiliary=False, asked=None, params=PARAMS) == expected


@pytest.mark.parametrize(
    ("auxiliary", "asked", "hold"),
    [(True, None, 30.0), (False, 20.0, 20.0), (True, 20.0, 20.0), (True, 500.0, 30.0), (False, 0.0, 0.0)],
)
def test_shorter_holds(auxiliary: bool, asked: float | None, hold: float) -> None:
    """Auxiliary calls are held briefly (rule 2); a run may ask for a hold of its own."""
    client = Client(None, True, True)
    assert plan(client, auxiliary=auxiliary, asked=asked, params=PARAMS).hold == hold


@pytest.mark.parametrize(
    ("timeout", "read", "limit"),
    [
        (None, None, None),
        (b"600", None, 600.0),
        (b"600.5", b"30", 30.0),
        (b"NOT_GIVEN", b"600", 600.0),
        (b"NOT_GIVEN", None, None),
        (b"", None, None),
        (b"-1", None, None),
        (b"0", None, None),
        (b"nan", None, None),
        (b"inf", None, None),
        (b"1e300", None, None),
    ],
)
def test_stated_limit(timeout: bytes | None, read: bytes | None, limit: float | None) -> None:
    """The shorter of two stated limits counts; what is no number says nothing."""
    assert stated_limit(timeout, read) == limit

"""A base address on this machine: is anybody there, and is it us?"""

from pathlib import Path

import pytest
from dial_peers import hanging_port
from doctor_peers import about, free_port, host, ran

from seawall.doctor.check import State


def base(tmp_path: Path, url: str, **more: object) -> "tuple[State, str, dict[str, object]]":
    found = ran(about(tmp_path, environ={"ANTHROPIC_BASE_URL": url}, **more), "local.base_url")  # type: ignore[arg-type]
    return found.state, found.signs[0].cause if found.signs else "", dict(found.facts)


def test_nobody_listens(tmp_path: Path) -> None:
    """Refused, or no answer: certain either way."""
    state, cause, facts = base(tmp_path, f"http://127.0.0.1:{free_port()}")
    assert (state, cause, facts["where"]) == (State.FAIL, "machine.dead_base_url", "the environment")
    with hanging_port() as (_, port):
        assert base(tmp_path, f"http://127.0.0.1:{port}")[:2] == (State.FAIL, "machine.dead_base_url")


def test_somebody_listens(tmp_path: Path) -> None:
    """Ours, where a gateway of ours has that address."""
    with host(b"") as one:
        state, cause, facts = base(tmp_path, one.url)
        assert (state, cause, facts["ours"]) == (State.OK, "", False)
        gateways = ({"address": "nonsense"}, {"address": one.url})
        assert base(tmp_path, one.url, gateways=gateways)[2]["ours"] is True


@pytest.mark.parametrize("url", ["https://api.anthropic.com", "nonsense", ""])
def test_other_addresses_are_not_tried(tmp_path: Path, url: str) -> None:
    """The other checks measure those."""
    assert base(tmp_path, url)[0] is State.SKIP

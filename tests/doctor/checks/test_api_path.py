"""Where the time goes."""

from pathlib import Path

from doctor_peers import about, ran

from seawall.doctor.check import Finding, State


def measured(edge: float = 0.132) -> dict[str, Finding]:
    return {
        "net_dns": Finding(State.OK, "", {"seconds": 0.009}),
        "net_tcp4": Finding(State.OK, "", {"seconds": 0.021}),
        "net_tcp6": Finding(State.OK, "", {"seconds": 0.03}),
        "tls_chain": Finding(State.OK, "", {"seconds": 0.045}),
        "api_edge": Finding(State.OK, "", {"first_byte": edge}),
    }


def test_hop_by_hop(tmp_path: Path) -> None:
    """The faster kind of address counts, and TLS without the connection under it."""
    found = ran(about(tmp_path), "api.path", **measured())
    assert found.summary == "the name 9 ms, the connection 21 ms, TLS 24 ms, the first byte 132 ms"
    assert (found.state, found.facts["slowest"]) == (State.OK, "first_byte")


def test_a_slow_hop_is_named(tmp_path: Path) -> None:
    """It decides nothing, and helps to find the place."""
    found = ran(about(tmp_path), "api.path", **measured(2.5))
    assert found.state is State.WARN
    assert [(one.text, one.direction.value) for one in found.signs] == [
        ("the first byte alone takes 2.5 s", "neutral")
    ]


def test_what_was_not_measured_is_left_out(tmp_path: Path) -> None:
    """Through a proxy no connection is timed by kind; without an answer there is no whole way."""
    some = {name: finding for name, finding in measured().items() if not name.startswith("net_tcp")}
    assert (
        ran(about(tmp_path), "api.path", **some).summary == "the name 9 ms, TLS 45 ms, the first byte 132 ms"
    )
    none = {"net_dns": Finding(State.FAIL, "", {"seconds": 2.8})}
    assert ran(about(tmp_path), "api.path", **none).state is State.SKIP

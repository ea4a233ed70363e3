"""A proxy that is set: whether it opens the way, and what it says when it does not."""

from pathlib import Path

import pytest
from doctor_peers import about, answer, examined, free_port, host, ran

from seawall.config import Network
from seawall.doctor.check import State

API = "https://api.example"


@pytest.mark.parametrize(
    ("says", "cause"),
    [
        (answer(407, proxy_authenticate="Basic"), "network.proxy_auth"),
        (answer(403, b"blocked by policy"), "network.proxy_failed"),
        (b"garbage", "network.proxy_failed"),
        (b"", "network.proxy_failed"),
    ],
)
def test_a_proxy_that_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: bytes, cause: str
) -> None:
    """Certain, with the variable that names it; nothing behind it is asked."""
    with host(says) as proxy:
        url = f"http://user:secret-password@127.0.0.1:{proxy.port}"
        one = about(tmp_path, API, network=Network(https_proxy=url), environ={"HTTPS_PROXY": url})
        verdict, found = examined(one)
    assert (verdict.cause, verdict.confidence.value) == (cause, "certain")
    assert "set in HTTPS_PROXY of the environment" in verdict.evidence[0].text
    assert found["api.edge"].finding.blocked_by == "net.proxy"
    assert "secret-password" not in repr(verdict) + repr(found)


@pytest.mark.parametrize("url", ["socks5://127.0.0.1:1080", "http://", "ftp://x", "http://a b"])
def test_an_address_that_cannot_be_read(tmp_path: Path, url: str) -> None:
    """Said without being tried."""
    found = ran(about(tmp_path, API, network=Network(https_proxy=url)), "net.proxy")
    assert [one.cause for one in found.signs] == ["network.proxy_failed"]


def test_a_proxy_where_nobody_listens(tmp_path: Path) -> None:
    """And whether the way without it is open stands beside it."""
    network = Network(https_proxy=f"http://127.0.0.1:{free_port()}")
    found = ran(about(tmp_path, API, network=network), "net.proxy")
    assert [one.cause for one in found.signs] == ["network.proxy_failed"] * 2
    assert found.signs[1].direction.value == "neutral"


def test_no_proxy_and_an_excepted_host(tmp_path: Path) -> None:
    """Nothing to measure."""
    assert ran(about(tmp_path, API), "net.proxy").state is State.SKIP
    network = Network(https_proxy="http://127.0.0.1:9", no_proxy="api.example")
    assert ran(about(tmp_path, API, network=network), "net.proxy").state is State.SKIP


def test_both_cases_at_once(tmp_path: Path) -> None:
    """The lower case wins for Claude Code; which other program takes which is a guess, so it is said."""
    environ = {"https_proxy": "http://u:hunter2@a.example:1", "HTTPS_PROXY": "http://b.example:1"}
    found = ran(about(tmp_path, "https://api.example", environ=environ), "net.proxy")
    assert found.facts["differ"] == ["https_proxy"]
    (note,) = found.signs
    assert note.text == "https_proxy and HTTPS_PROXY are set and differ; Claude Code takes https_proxy"
    assert "hunter2" not in repr(found)
    same = {"https_proxy": "http://a.example:1", "HTTPS_PROXY": "http://a.example:1"}
    assert ran(about(tmp_path, "https://api.example", environ=same), "net.proxy").signs == ()

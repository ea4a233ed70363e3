"""What the doctor must survive: hosts, proxies, keys, addresses, settings, programs and files as they are out there."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from doctor_peers import (
    GREEN,
    KEY,
    about,
    answer,
    examined,
    from_api,
    host,
    keep,
    program,
    ran,
    value,
)
from store_helpers import attempt

from seawall.config import ConfigError, Network, Team
from seawall.doctor import check as frame
from seawall.doctor import link
from seawall.doctor.check import Finding, Probe, State, checks, measure
from seawall.doctor.checks import api_edge, cred_live, net_captive, net_dns, seen_peers, status_page
from seawall.doctor.reach import MOST_BODY, ask
from seawall.doctor.subject import Subject
from seawall.settings import settle

ASKING = {
    "api.edge": api_edge,
    "cred.live": cred_live,
    "net.captive": net_captive,
    "status.page": status_page,
}
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


@contextmanager
def dripping(data: bytes, times: int = 1) -> Iterator[str]:
    """A host that sends a byte, or a piece, again and again until nobody listens; its address."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(peer: socket.socket) -> None:
        with peer:
            try:
                while not over.wait(0.02):
                    peer.sendall(data * times)
            except OSError:
                return

    def accept() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(peer,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request has a tenth of its usual time."""

    async def soon(*arguments: Any, seconds: float = 2.9) -> Any:
        return await ask(*arguments, seconds=seconds / 10)

    for module in (*ASKING.values(), seen_peers):
        monkeypatch.setattr(module, "ask", soon)


def pointed(tmp_path: Path, url: str) -> Subject:
    """Every host that is asked is this one."""
    one = about(tmp_path, url, status=url, captive=url, control=url, environ={"ANTHROPIC_API_KEY": KEY})
    return replace(one, config=replace(one.config, team=Team(peers=(url,))))


BAD = {
    "nothing": lambda _: None,
    "an end at once": lambda _: b"",
    "garbage": lambda _: b"\x16\x03\x01\x02\x00\xff\xfe" * 50,
    "a page": lambda _: answer(200, b"<html><body>Welcome</body></html>", content_type="text/html"),
    "a body without end": lambda _: HEAD + b"\r\n" + b"x" * 3_000_000,
    "chunks without end": lambda _: HEAD + b"transfer-encoding: chunked\r\n\r\n" + b"5\r\nhello\r\n" * 300_000,
    "a head of 10 MB": lambda _: HEAD + b"x-long: " + b"y" * 10_000_000,
    "ten thousand headers": lambda _: HEAD + b"x: y\r\n" * 10_000 + b"content-length: 5\r\n\r\nhello",
    "a redirection to itself": lambda _: answer(302, location="/api/v2/summary.json"),
    "a redirection elsewhere": lambda _: answer(302, location="http://elsewhere.example/"),
    "a promise of more than comes": lambda _: b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\nx",
    "two lengths": lambda _: b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 5\r\n\r\nhello",
    "another protocol": lambda _: b"SSH-2.0-OpenSSH_9.6\r\n",
}  # fmt: skip


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("name", list(ASKING))
@pytest.mark.parametrize("kind", list(BAD))
def test_a_host_that_answers_badly(tmp_path: Path, name: str, kind: str) -> None:
    """A state and a sentence within the time; never a crash, never an acceptance of what is no answer."""
    with host(BAD[kind]) as one:
        found = ran(pointed(tmp_path, one.url), name)
    assert found.state in (State.FAIL, State.UNKNOWN, State.SKIP, State.WARN), found
    assert found.summary
    json.dumps(found.facts)
    assert KEY[20:] not in repr(found)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("name", list(ASKING))
@pytest.mark.parametrize("data", [b"H", HEAD, b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_a_host_that_drips(tmp_path: Path, name: str, data: bytes) -> None:
    """A byte now and then keeps nobody waiting for longer than the time."""
    with dripping(data) as url:
        found = ran(pointed(tmp_path, url), name)
    assert found.state in (State.FAIL, State.UNKNOWN, State.SKIP, State.WARN)


@pytest.mark.usefixtures("hurried")
def test_no_more_of_an_answer_is_kept_than_its_bound() -> None:
    """Memory does not grow with what a host sends."""
    import asyncio

    from seawall.origin import Origin

    with dripping(b"x" * 65536, 16) as url:
        origin, _ = Origin.parse(url)
        found = asyncio.run(ask(origin, Network(), "GET", "/", {}, seconds=20))
    assert len(found.body) <= MOST_BODY
    assert found.status is None


def test_every_host_dead_and_the_frames_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all checks hanging the run ends by its deadline of 8 s less the start, whatever hangs on what."""
    given: list[float] = []
    real = frame.run_all

    async def seen(subject: Subject, all_: Any, whole: float) -> Any:
        given.append(whole)
        return await real(subject, all_, 0.3)

    async def hangs(probe: Probe) -> Finding:
        await __import__("asyncio").Event().wait()
        raise AssertionError

    monkeypatch.setattr(frame, "run_all", seen)
    results = measure(about(tmp_path), [replace(one, run=hangs) for one in checks()])
    assert given == [8.0 - frame.START]
    assert {one.finding.state for one in results} == {State.UNKNOWN}


def test_every_host_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All hosts take the connection and say nothing: every check has an end, and the network is not blamed."""
    one = about(tmp_path)
    config = replace(one.config, doctor=replace(one.config.doctor, deadline=3.0))
    with host(BAD["nothing"]) as silent:
        silent_one = replace(pointed(tmp_path, silent.url), config=config)
        silent_one = replace(silent_one, api=pointed(tmp_path, silent.url).api)
        verdict, found = examined(silent_one)
    assert set(found) == {each.id for each in checks()}
    assert found["api.edge"].finding.state in (State.FAIL, State.UNKNOWN)
    assert verdict.cause not in (None, "network.offline", "network.dns_failure")


def test_all_is_well_within_three_seconds(tmp_path: Path) -> None:
    """Hosts that answer at once leave no check waiting: the best of some runs on a busy machine is within 3 s."""
    config_of = {"deadline": 3.0}
    for last in (False, False, True):
        with host(from_api(401)) as api, host(answer(204)) as captive, host(answer(200, GREEN)) as status:
            one = about(tmp_path, api.url, control=api.url, captive=captive.url, status=status.url)
            one = replace(one, config=replace(one.config, doctor=replace(one.config.doctor, **config_of)))
            _, found = examined(one)
        if not (late := [name for name, one_ in found.items() if one_.finding.state is State.UNKNOWN]):
            return
        assert not last, late


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTPS_PROXY": ""},
        {"HTTPS_PROXY": "proxy.example:3128"},
        {"HTTPS_PROXY": "http://user:pa55word-of-proxy@127.0.0.1:9"},
        {"HTTPS_PROXY": "socks5://127.0.0.1:1080"},
        {"HTTPS_PROXY": "http://"},
        {"HTTPS_PROXY": "http://[::1"},
        {"HTTPS_PROXY": "http://127.0.0.1:99999"},
        {"HTTPS_PROXY": "http://a:9", "https_proxy": "http://127.0.0.1:9"},
        {"HTTPS_PROXY": "http://" + "x" * 10_000},
        {"https_proxy": "http://127.0.0.1:9\n"},
        {"ALL_PROXY": "socks5h://user:pa55word-of-proxy@x.example"},
        {"NO_PROXY": "*, ,[::1]:x,10.0.0.0/99," + "a" * 5000},
    ],
)
def test_proxy_variables(tmp_path: Path, environ: dict[str, str]) -> None:
    """Empty, without a scheme, with a password, SOCKS, both cases at once: said or used, the password never shown."""
    said, network = "", Network()
    try:
        network = settle({}, environ, {}, "user", {}, "project").config.network
    except ConfigError as error:
        said = str(error)
    if said:  # a setting that is refused is refused with its name
        assert "proxy" in said.lower()
        return
    one = about(tmp_path, "https://api.example", environ=environ, network=network)
    for name in ("net.proxy", "net.system", "net.link", "local.env"):
        found = ran(one, name)
        assert found.summary
        assert "pa55word" not in repr(found)
        json.dumps(found.facts)


@pytest.mark.parametrize(
    "key",
    [
        KEY + "\n", KEY + "\r\nx-evil: 1", f'"{KEY}"', f"'{KEY}'", "sk-ant-api03-" + "k" * 10_000, KEY + "\u00fc",
        "\x00" + KEY,
        "sk-proj-" + "a" * 200, "\U0001f511" * 50, " ", KEY[:30],
    ],
)  # fmt: skip
def test_keys(tmp_path: Path, key: str) -> None:
    """What is not whole, or not Claude's, is the verdict; it is not sent, and not shown."""
    with host(from_api(401)) as api:
        one = about(tmp_path, api.url, control=api.url)
        one = replace(one, variables={"ANTHROPIC_API_KEY": value(key)})
        verdict, found = examined(one)
    assert not any(b"x-api-key" in request for request in api.requests)
    assert verdict.cause in ("account.malformed_key", "account.wrong_vendor")
    text = repr([result.finding for result in found.values()])
    assert not any(key[n : n + 12] in text for n in range(13, len(key) - 12, 97))


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("", None),
        (" ", "machine.wrong_base_url"),
        ("https://api.anthropic.com/v1", "machine.wrong_base_url"),
        ("https://user:hunter2-hunter2@api.example", "machine.wrong_base_url"),
        ("http://[::1]:9", "machine.dead_base_url"),
        ("http://127.0.0.1:0", "machine.wrong_base_url"),
        ("http://[::1", "machine.wrong_base_url"),
        ("api.anthropic.com", "machine.wrong_base_url"),
        ("https://" + "x" * 5000, "machine.wrong_base_url"),
        ("https://b\u00fccher.example\x00", "machine.wrong_base_url"),
    ],
)
def test_base_urls(tmp_path: Path, url: str, cause: str | None) -> None:
    """Each is the verdict, with its place, and shows no password; an empty one is none."""
    with host(from_api(401)) as api:
        one = about(tmp_path, api.url, control=api.url, environ={"ANTHROPIC_BASE_URL": url})
        one = replace(one, api=about(tmp_path, api.url).api, base_path="")
        verdict, found = examined(one)
    assert verdict.cause == cause
    assert "hunter2" not in repr([result.finding for result in found.values()]) + repr(verdict)


BROKEN: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: path.write_text('{"env": {'),
    "comments": lambda path: path.write_text('// mine\n{"env": {}}'),
    "huge": lambda path: path.write_bytes(b"[" + b"1," * 3_000_000),
    "no object": lambda path: path.write_text("[1, 2]"),
    "no text": lambda path: path.write_bytes(b"\xff\xfe\x00{}"),
    "a folder": lambda path: path.mkdir(),
    "a link to itself": lambda path: path.symlink_to(path),
    "deep": lambda path: path.write_text("[" * 200_000),
    "env is a list": lambda path: path.write_text('{"env": ["A=B"]}'),
}


@pytest.mark.parametrize("kind", list(BROKEN))
def test_settings_of_claude_code(tmp_path: Path, kind: str) -> None:
    """The file and what is wrong with it are the verdict: the client does not use it, and nobody else says so."""
    path = tmp_path / "home" / ".claude" / "settings.json"
    path.parent.mkdir(parents=True)
    BROKEN[kind](path)
    with host(from_api(401)) as api:
        verdict, _ = examined(about(tmp_path, api.url, control=api.url))
    assert verdict.cause == "machine.settings"
    assert verdict.title.startswith("~/.claude/settings.json cannot be used: ")


@pytest.mark.parametrize("text", ["\ufeff{}", "", '{"env": {"A": 5}}', '{"unknown": [1, {"a": null}]}'])
def test_settings_that_are_odd_and_good(tmp_path: Path, text: str) -> None:
    """A mark at the beginning, an empty file, keys that nobody knows."""
    path = tmp_path / "home" / ".claude" / "settings.json"
    path.parent.mkdir(parents=True)
    path.write_text(text, "utf-8")
    assert ran(about(tmp_path), "local.settings").state is State.OK


@pytest.mark.parametrize(
    "script", ["#!/bin/sh\nsleep 600\n", "#!/bin/sh\nexit 1\n", "\x00\x01", "#!/nowhere/sh\n"]
)
def test_a_client_that_hangs_or_fails_holds_up_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    """The verdict is of the calls, not of the program's temper."""
    monkeypatch.setattr("seawall.doctor.checks.local_client.SECONDS", 0.3)
    program(tmp_path / "bin" / "claude", script)
    with host(from_api(401)) as api, host(answer(204)) as captive, host(answer(200, GREEN)) as status:
        one = about(tmp_path, api.url, control=api.url, captive=captive.url, status=status.url)
        verdict, found = examined(replace(one, search_path=f"{tmp_path / 'bin'}:/usr/bin:/bin"))
    assert verdict.cause is None
    assert found["local.client"].finding.state is State.WARN


def test_no_aaaa(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with one kind of address is in order."""

    async def only_four(_: str) -> dict[str, list[str]]:
        return {"IPv4": ["127.0.0.1"]}

    monkeypatch.setattr(net_dns, "addresses", only_four)
    one = about(tmp_path, "https://api.example")
    found = ran(one, "net.dns")
    assert found.state is State.OK
    assert ran(one, "net.tcp6", net_dns=found).state is State.SKIP


def test_only_ipv6(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has no IPv4 at all is in order too."""

    async def only_six(_: str) -> dict[str, list[str]]:
        return {"IPv6": ["::1"]}

    monkeypatch.setattr(net_dns, "addresses", only_six)
    listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    with listener:
        one = about(tmp_path, f"https://api.example:{listener.getsockname()[1]}")
        found = ran(one, "net.dns")
        assert ran(one, "net.tcp4", net_dns=found).state is State.SKIP
        assert ran(one, "net.tcp6", net_dns=found).state is State.OK


def test_no_resolv_conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known of the resolver, and the check is what it was."""
    monkeypatch.setattr(link, "look", partial(link.look, resolv=tmp_path / "gone"))
    found = ran(about(tmp_path), "net.link")
    assert found.facts["resolvers"] == []
    assert found.state in (State.OK, State.SKIP)


def test_records_of_impossible_times(tmp_path: Path) -> None:
    """A clock that was set forward and back leaves rows of the future: none of them counts."""
    keep(tmp_path, *(attempt(at=at, call=f"c{n}") for n, at in enumerate((0.0, 9e9, 1.0, 4e10))))
    for name in ("seen.recent", "seen.burst", "request.long"):
        assert ran(about(tmp_path), name).state is State.SKIP

"""The page's paths, by raw requests to a real gateway process."""

import http.client
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from own_home import LIMIT, Home, until
from seawall.cli import schemas
from seawall.doctor.side import SHOWN_AS
from seawall.fake.thread import BackgroundFakeApi
from seawall.gateway import runtime
from seawall.view.explanation import KEY_NOTE
from seawall.view.lanes import _STATES
from seawall.view.web import door
from seawall.view.web.keys import link
from seawall.view.web.routes import _FILES

OPEN_TO_ALL = {"/seawall/open", door.ICON} | {path for path in door.PATHS if path.startswith("/seawall/")}


@dataclass
class Got:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Place:
    """A running gateway before a faulty API."""

    home: Home
    fake: BackgroundFakeApi
    host: str
    port: int
    token: str

    def ask(
        self, path: str, method: str = "GET", body: bytes | None = None, *, token: bool = True, **headers: str
    ) -> Got:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            given["x-seawall-token"] = self.token
        connection = http.client.HTTPConnection(self.host, self.port, timeout=LIMIT)
        try:
            connection.request(method, path, body, given)
            answer = connection.getresponse()
            return Got(
                answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
            )
        finally:
            connection.close()

    def cookie(self) -> str:
        answer = self.ask(link(self.token, time.time()), token=False)
        assert answer.status == 200
        return answer.headers["set-cookie"].partition(";")[0]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = Home(tmp_path_factory.mktemp("routes"))
    try:
        with BackgroundFakeApi(seed=1) as fake:
            process = home.start("serve", "--listen", "127.0.0.1:0", "--json", "--upstream", fake.url)
            assert process.stdout is not None
            assert process.stdout.readline()
            [record] = home.gateways()
            token = runtime.read_token(home.place)
            assert token is not None
            found = Place(home, fake, record.host, record.port, token)
            until(lambda: "open" in found.ask("/api/v1/history").json, "the store is made")
            yield found
    finally:
        home.end()


def conforms(value: dict[str, Any]) -> None:
    """Of the shape that it names."""
    Draft202012Validator(json.loads(schemas.text(value["schema"]))).validate(value)


def test_without_a_token_there_is_nothing_to_see(place: Place) -> None:
    """Every path but the program text of the page, which is public anyway; a person is told how to get in."""
    for path in door.PATHS:
        if path in OPEN_TO_ALL:
            continue
        answer = place.ask(path, token=False, accept="text/html", cookie="seawall=forged")
        assert answer.status == 401, path
        shown = answer.body.decode()
        assert "seawall watch --web" in shown or "x-seawall-token" in shown, path


def test_a_link_gives_a_cookie_that_lets_in(place: Place) -> None:
    """Once; the page, its data and its events then come with the cookie alone."""
    path = link(place.token, time.time())
    first = place.ask(path, token=False)
    assert first.status == 200
    assert place.ask(path, token=False).status == 401
    cookie = first.headers["set-cookie"].partition(";")[0]
    for path in ("/", "/api/v1/status", "/api/v1/config", "/metrics"):
        assert place.ask(path, token=False, accept="text/html", cookie=cookie).status == 200, path


def test_only_get_opens_a_link(place: Place) -> None:
    """A chat that previews links with HEAD does not use it up."""
    path = link(place.token, time.time())
    assert place.ask(path, "HEAD", token=False).status == 401
    assert place.ask(path, token=False).status == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:1", "127.0.0.1:1", "192.168.1.9:8787"])
def test_a_foreign_host_is_refused(place: Place, host: str) -> None:
    """A name that somebody let point at this machine, and a browser on another host."""
    for path in ("/", "/api/v1/status", "/seawall/page.js", "/metrics"):
        answer = place.ask(path, host=host, accept="text/html", cookie=place.cookie())
        assert (answer.status, answer.json["error"]["type"]) == (403, "permission_error"), path


def test_a_foreign_origin_is_refused(place: Place) -> None:
    """Another site's page, one at another port, and one that hides where it is from."""
    cookie = place.cookie()
    for origin in (
        "https://evil.example",
        "null",
        "http://127.0.0.1:1",
        f"http://127.0.0.1:{place.port}.evil.example",
    ):
        answer = place.ask("/api/v1/explain", "POST", b"529", origin=origin, cookie=cookie, token=False)
        assert answer.status == 403, origin


def test_our_own_page_may_post(place: Place) -> None:
    """Browsers name the origin with every POST, also to the page's own address."""
    own = f"http://{place.host}:{place.port}"
    answer = place.ask(
        "/api/v1/explain", "POST", b"529 overloaded_error", origin=own, cookie=place.cookie(), token=False
    )
    assert (answer.status, answer.json["verdict"]["cause"]) == (200, "provider.overloaded")
    # The same origin opens nothing else: calls to the API are not for web pages.
    assert place.ask("/v1/messages", "POST", b"{}", origin=own).status == 403


def test_answers_cannot_be_kept_framed_or_mistaken(place: Place) -> None:
    """The page allows only its own files, no frames and no script in its text; nothing is stored by a browser."""
    page = place.ask("/", accept="text/html")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    for part in ("frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'", "script-src 'self'"):
        assert part in policy
    assert "unsafe" not in policy
    for path in ("/", "/api/v1/status", "/seawall/page.js", "/metrics", "/api/v1/nothing"):
        headers = place.ask(path, accept="text/html").headers if path != "/api/v1/nothing" else page.headers
        assert headers["cache-control"] == "no-store", path
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["cross-origin-resource-policy"] == "same-origin", path


def test_the_page_holds_no_inline_script_and_asks_nobody_else() -> None:
    """It works without a network, and the policy need not be loosened for it."""
    for path in _FILES.iterdir():
        if path.suffix in (".html", ".css", ".js"):
            text = path.read_text()
            for foreign in (
                "http://",
                "https://",
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "eval(",
                "@import",
            ):
                found = text.replace("http://www.w3.org/2000/svg", "").find(foreign)
                assert found < 0, (path.name, foreign)
        if path.suffix == ".html":
            assert "style=" not in text
            assert " on" not in "".join(
                part for part in text.split("<") if "=" in part and part.startswith("button")
            )


def test_the_page_is_small() -> None:
    """All of it together is far below its 300 kB."""
    assert (
        sum(
            path.stat().st_size
            for path in _FILES.iterdir()
            if path.suffix in (".html", ".css", ".js", ".svg")
        )
        < 120_000
    )


def test_the_page_says_what_the_terminal_says() -> None:
    """Whose side it is, and how a lane is: the same words in both."""
    text = (_FILES / "live.js").read_text()
    for party, shown in SHOWN_AS.items():
        assert f'{party.value}: "{shown}"' in text
    assert f'"{KEY_NOTE}"' in (_FILES / "page.js").read_text()
    for state, (words, _, _) in _STATES.items():
        assert f'{state}: ["' in text
        assert f'"{words}"]' in text


def test_the_json_is_the_command_lines_own(place: Place) -> None:
    """The same schema and the same keys as the verb's `--json`."""
    for path, command in (
        ("/api/v1/history", ("history",)),
        ("/api/v1/explain?code=limit.session", ("explain", "limit.session")),
    ):
        given, own = place.ask(path), json.loads(place.home.seawall(*command, "--json").stdout)
        assert given.status == 200, (path, given.body)
        assert given.json.keys() == own.keys()
        assert given.json["schema"] == own["schema"]


def test_the_doctor_measures_for_the_page(place: Place) -> None:
    """The path to the upstream that this gateway was told to use; not the environment, which is another's."""
    answer = place.ask("/api/v1/doctor")
    assert answer.status == 200
    checks = {one["id"]: one for one in answer.json["checks"]}
    assert answer.json["schema"] == "seawall.verdict/1"
    assert checks["api.edge"]["state"] == "ok"
    assert answer.json["verdict"]["host"] == place.fake.url.partition("://")[2]
    assert not {"cred.shape", "cred.live", "local.env", "local.settings", "local.base_url"} & checks.keys()
    assert place.ask("/api/v1/verdict").json == answer.json  # a minute old is good enough for that


def test_all_json_is_of_its_schema(place: Place) -> None:
    """What the page's paths answer, refusals too, is what `seawall help --schema` describes."""
    asked = {
        "/api/v1/status": 200, "/api/v1/rates": 200, "/api/v1/config": 200, "/api/v1/history": 200, "/api/v1/plan": 200,
        "/api/v1/doctor": 200, "/api/v1/explain?code=limit.session": 200, "/api/v1/explain": 400,
        "/api/v1/history?since=x": 400, "/api/v1/episodes/ffff": 404,
    }  # fmt: skip
    for path, status in asked.items():
        answer = place.ask(path)
        assert answer.status == status, (path, answer.body)
        conforms(answer.json)


def test_the_status_says_what_it_is_to_all_who_may_ask(place: Place) -> None:
    """With a token, as a bearer or by a cookie: one gateway, of a schema of its own; so inside `status --json`."""
    for how in (
        {},
        {"token": False, "authorization": f"Bearer {place.token}"},
        {"token": False, "cookie": place.cookie()},
    ):
        given = place.ask("/api/v1/status", **how).json  # type: ignore[arg-type]
        conforms(given)
        assert given["schema"] == "seawall.gateway/1", how
        assert given["generated_at"].endswith("Z")
    whole = json.loads(place.home.seawall("status", "--json").stdout)
    conforms(whole)
    [inside] = whole["gateways"]
    conforms(inside)
    assert inside["schema"] == "seawall.gateway/1"
    assert given.keys() - inside.keys() == set()


def test_settings_in_force_are_shown_with_their_sources(place: Place) -> None:
    """As this gateway goes by them, with the options it was started with."""
    values = place.ask("/api/v1/config").json["values"]
    assert values["gateway.upstream"] == {"value": place.fake.url, "source": "option --upstream"}
    assert values["team.token"] == {"value": "", "source": "default"}


def test_an_episode_is_found_by_its_id(place: Place) -> None:
    """One that is not there, and what is no id at all, are said as such and reach no command line."""
    assert place.ask("/api/v1/episodes/7f3a").status == 404
    for wrong in ("--forget", "7F3A", "..", "7f3a/x", "7f3a%00", "", "%2e%2e", "a" * 17):
        answer = place.ask(f"/api/v1/episodes/{wrong}")
        assert (answer.status, answer.json["schema"]) == (400, "seawall.error/1"), wrong


@pytest.mark.parametrize(
    "query",
    ["since=--forget", "since=1", "since=99999d", "cause=x", "cause=--help", "model=Opus%20x", "model=-x"],
)
def test_what_history_is_asked_is_looked_at_first(place: Place, query: str) -> None:
    """Nothing from a query becomes an option of a command."""
    answer = place.ask(f"/api/v1/history?{query}")
    assert (answer.status, answer.json["error"]["code"]) == (400, 400)


def test_explain_takes_bounded_texts(place: Place) -> None:
    """A megabyte is read; more is refused before it is; nothing is nothing to explain."""
    assert place.ask("/api/v1/explain", "POST", b"x" * (1 << 20)).status == 200
    assert place.ask("/api/v1/explain", "POST", content_length=str((1 << 20) + 1)).status == 413
    assert place.ask("/api/v1/explain", "POST", b"").status == 400
    assert place.ask("/api/v1/explain", "POST", b" \n").status == 400
    assert place.ask("/api/v1/explain?code=--list").status == 400
    assert place.ask("/api/v1/explain", "POST", bytes(range(256))).status == 200


def test_a_pasted_key_does_not_come_back(place: Place) -> None:
    """The text is masked before it is shown, as on the command line."""
    key = "sk-ant-api03-" + "Zq9" * 31 + "AA"
    answer = place.ask("/api/v1/explain", "POST", f"401 invalid x-api-key {key}".encode())
    assert answer.status == 200
    assert key[14:40] not in answer.body.decode()
    assert answer.json["read"]["held_key"] is True


def test_other_methods_are_refused(place: Place) -> None:
    """Nothing here changes anything."""
    assert place.ask("/api/v1/events", "HEAD").status == 405
    for path in (*door.PATHS, "/api/v1/lease", "/api/v1/peers", "/api/v1/episodes/7f3a"):
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            if path == door.PAGE or (path, method) == ("/api/v1/explain", "POST"):
                continue
            for token in (True, False):
                answer = place.ask(path, method, b"", token=token)
                assert answer.status == 405, (path, method, token)
                conforms(answer.json)
                assert answer.headers["allow"].startswith("GET"), path


def test_the_upstreams_own_paths_go_through(place: Place) -> None:
    """What a client asks of the API at `/`, or anywhere that is not ours, is the API's to answer."""
    before = len(place.fake.requests)
    place.ask("/", accept="*/*")
    place.ask("/api/v1/episodes", accept="*/*")
    assert [seen.target for seen in place.fake.requests[before:]] == ["/", "/api/v1/episodes"]


def test_browsers_ask_the_upstream_for_nothing(place: Place) -> None:
    """The icon that each wants by itself is ours, with the token and without."""
    before = len(place.fake.requests)
    answer = place.ask("/favicon.ico", token=False)
    assert (answer.status, answer.headers["content-type"]) == (200, "image/svg+xml")
    assert place.fake.requests[before:] == []


def test_pages_are_counted(place: Place) -> None:
    """Those that are open, and no more when they are closed."""
    connection = http.client.HTTPConnection(place.host, place.port, timeout=LIMIT)
    connection.request("GET", "/api/v1/events", headers={"cookie": place.cookie()})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream")
    assert answer.readline() == b"retry: 2000\n"
    assert b"\nseawall_pages 1\n" in place.ask("/metrics").body
    answer.close()
    connection.close()

    asked = {"model": "claude-opus-4-1", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
    call = json.dumps(asked).encode()

    def counted_off() -> bool:
        # News for pages: that one has left is seen when it is written to.
        place.ask(
            "/v1/messages", "POST", call, token=False, content_type="application/json", x_api_key="sk-ant-x"
        )
        return b"\nseawall_pages 0\n" in place.ask("/metrics").body

    until(counted_off, "a page that left is counted off")


def test_open_pages_do_not_keep_a_gateway_from_leaving(tmp_path: Path) -> None:
    """SIGTERM with a page open: it is told, and the gateway is gone at once, not after the drain's 30 s.

    Until then it was told all in objects of the schemas that they name.
    """
    home = Home(tmp_path)
    try:
        process = home.start("serve", "--listen", "127.0.0.1:0", "--json")
        assert process.stdout is not None
        assert process.stdout.readline()
        [record] = home.gateways()
        token = runtime.read_token(home.place) or ""
        connection = http.client.HTTPConnection(record.host, record.port, timeout=LIMIT)
        connection.request("GET", "/api/v1/events", headers={"x-seawall-token": token})
        answer = connection.getresponse()
        assert answer.readline() == b"retry: 2000\n"
        events: list[dict[str, Any]] = []
        while len(events) < 2:
            name, _, data = answer.readline().partition(b": ")
            events += [json.loads(data)] if name == b"data" else []
        assert [one["schema"] for one in events] == ["seawall.gateway/1", "seawall.rates/1"]
        for one in events:
            conforms(one)
        began = time.monotonic()
        process.terminate()
        assert answer.read().endswith(b"event: leaving\ndata: {}\n\n")
        assert process.wait(LIMIT) == 0
        assert time.monotonic() - began < 15
        connection.close()
    finally:
        home.end()

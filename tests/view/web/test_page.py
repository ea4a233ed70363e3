"""The page in a real browser, before a real gateway and a faulty API: what a person sees, hears and types."""

import base64
import json
import os
import re
import shutil
import socket
import sqlite3
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest
from store_helpers import empty_store

from own_home import LIMIT, Home, until
from seawall.cli.verbs import VERBS
from seawall.fake.thread import BackgroundFakeApi
from seawall.gateway import runtime
from seawall.store.latency import Latency, latency_cells, step_of
from seawall.store.rows import Attempt, Count, cells
from seawall.store.writer import INSERT_ATTEMPT, UPSERT_COUNT, UPSERT_LATENCY
from seawall.view.explanation import KEY_NOTE
from seawall.view.web.feed import FOLLOWERS
from seawall.view.web.keys import link

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: the page is not shown")
PATIENCE = LIMIT * 1000
KEY = "sk-ant-api03-" + "k" * 40
CAUSE = "network.proxy_failed"
FAILED = Attempt(
    at=0.0, utc_offset=0, call="c1", number=1, route="api.anthropic.com", family="opus", status=None,
    error_type=None, cause=CAUSE, request_id=None, took=0.5, held=0.0, ended="given_up",
)  # fmt: skip


@dataclass
class Shown:
    """A browser at the dashboard of a gateway of the test's own."""

    home: Home
    fake: BackgroundFakeApi
    address: str
    token: str
    process: Any
    browser: Any
    asked: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def call(self, session: str = "s1") -> bytes:
        """One streamed call through the gateway, to its end."""
        body = {
            "model": "claude-opus-4-1",
            "max_tokens": 20,
            "stream": True,
            "messages": [{"role": "user", "content": "hi"}],
        }
        headers = {
            "content-type": "application/json", "x-api-key": KEY, "anthropic-version": "2023-06-01",
            "user-agent": "claude-cli/2.1.329 (external, cli)", "x-claude-code-session-id": session,
            "x-stainless-timeout": "600",
        }  # fmt: skip
        request = urllib.request.Request(self.address + "/v1/messages", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=120) as answer:
            whole: bytes = answer.read()
        return whole

    def open(self, **how: Any) -> Any:
        """A page of its own, opened as a person does, with every fault and every request written down."""
        context = self.browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **how})
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on(
            "console",
            lambda said: self.faults.append(said.text) if said.type in ("error", "warning") else None,
        )
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(self.address + link(self.token, time.time()))
        page.wait_for_url(self.address + "/")
        page.wait_for_selector("#verdict.is-good, #verdict.is-warn, #verdict.is-bad")
        page.wait_for_selector("#path-body .hops")
        return page


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, browser: Any) -> Iterator[Shown]:
    """One gateway for all tests; what they do to it they undo."""
    with _gateway(tmp_path_factory.mktemp("page"), browser) as found:
        found.call()
        yield found


@pytest.fixture
def shown(gateway: Shown) -> Iterator[Shown]:
    yield from _watched(gateway)


@pytest.fixture
def own(tmp_path: Path, browser: Any) -> Iterator[Shown]:
    """A gateway that the test may end."""
    with _gateway(tmp_path, browser) as found:
        yield from _watched(found)


@contextmanager
def _gateway(folder: Path, browser: Any) -> Iterator[Shown]:
    home = Home(folder)
    store = home.path / ".local/share/seawall/seawall.db"
    store.parent.mkdir(0o700, parents=True)
    shutil.copyfile(empty_store(), store)
    connection = sqlite3.connect(store)
    with connection:  # the counts of a gateway's own calls are written seconds later
        row = Count(int(time.time() // 3600) - 1, 0, "api.anthropic.com", "opus", "", "", 30)
        connection.execute(UPSERT_COUNT, cells(row))
    connection.close()
    try:
        with BackgroundFakeApi(seed=1) as fake:
            process = home.start("serve", "--listen", "127.0.0.1:0", "--json", "--upstream", fake.url)
            assert process.stdout is not None
            assert process.stdout.readline()
            [record] = home.gateways()
            token = runtime.read_token(home.place) or ""
            found = Shown(home, fake, record.address, token, process, browser)
            yield found
    finally:
        home.end()


def _watched(found: Shown) -> Iterator[Shown]:
    """Whatever a test does, no policy is violated, no script fails, and nobody but the gateway is asked."""
    found.asked.clear()
    found.faults.clear()
    yield found
    for context in tuple(found.browser.contexts):
        context.close()
    assert {url for url in found.asked if not url.startswith(found.address + "/")} == set()
    assert [one for one in found.faults if not one.startswith(EXPECTED)] == []


EXPECTED = (
    "Failed to load resource: net::ERR_CONNECTION_REFUSED",
    "Failed to load resource: net::ERR_CONNECTION_RESET",
    "Failed to load resource: net::ERR_INCOMPLETE",
    *(() if "plan" in VERBS else ("Failed to load resource: the server responded with a status of 400",)),
)
"""What a browser itself says of a gateway that has left."""


def seen(page: Any, true: str) -> None:
    """Returns once this is true in the page. Not `wait_for_function`: that needs what the page's policy forbids."""
    deadline = time.monotonic() + LIMIT
    while not page.evaluate(true):
        assert time.monotonic() < deadline, f"waited in vain: {true}"
        page.wait_for_timeout(50)


def _data(shown: Shown, path: str) -> Any:
    request = urllib.request.Request(shown.address + path, headers={"x-seawall-token": shown.token})
    try:
        with urllib.request.urlopen(request, timeout=LIMIT) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError:
        return None


def _in_threads(count: int, work: Callable[[str], object]) -> tuple[list[threading.Thread], list[object]]:
    done: list[object] = []
    threads = [threading.Thread(target=lambda n=n: done.append(work(f"session{n}"))) for n in range(count)]
    for thread in threads:
        thread.start()
    return threads, done


def test_an_outage_begins_is_held_and_ends(shown: Shown) -> None:
    """Named as the terminal names it, with what is held and why; heard by who does not see; over when it is over."""
    page = shown.open()
    shown.call()
    page.wait_for_selector("#models-body table")
    assert "Nothing is held." in page.inner_text("#held-body")

    shown.fake.script(*["overloaded"] * 500)
    threads, answers = _in_threads(3, shown.call)
    page.wait_for_selector("#verdict.is-warn")
    seen(page, "document.querySelectorAll('#held-body tbody tr').length === 3")
    seen(
        page, "document.getElementById('verdict-rows').innerText.includes('Do now')"
    )  # its cause has been asked for
    assert page.inner_text("#verdict-title").startswith("!")
    assert "Anthropic's side" in page.inner_text("#verdict-title")
    assert "529 for opus" in page.inner_text("#held-body")
    assert "provider.overloaded" in page.inner_text("#verdict-code")
    seen(page, "document.getElementById('verdict-action').innerText.startsWith('Seawall is holding')")
    seen(page, "document.title.includes('held')")
    assert page.inner_text("#announce").startswith("Anthropic's side:")
    assert "seawall report" in page.inner_text("#gates-body")

    shown.fake.api._next.clear()
    for thread in threads:
        thread.join(120)
    assert len(answers) == 3
    assert all(b"event: message_stop" in answer for answer in answers if isinstance(answer, bytes))
    seen(page, "document.getElementById('held-body').innerText.includes('Nothing is held')")
    seen(page, "document.getElementById('announce').innerText.startsWith('It is over')")
    seen(page, "document.title === 'Seawall'")
    assert "3 saved by holding" in page.inner_text("#verdict-rows") or "lost" in page.inner_text(
        "#verdict-rows"
    )

    until(lambda: _data(shown, "/api/v1/history")["episodes"], "the episode is on record")
    page.reload()
    page.wait_for_selector(".episodes button")
    page.click(".episodes button")
    page.wait_for_selector("#episode h3")
    assert "provider.overloaded" in page.inner_text("#episode")
    page.wait_for_selector("#causes-body table")


def test_the_heat_map_shows_failures_latency_or_limits(shown: Shown) -> None:
    """One switch, by mouse or keys: a slow hour is seen to be one, by sign and words; few answers are blank."""
    hour = int(time.time() // 3600) - 30
    store = sqlite3.connect(shown.home.path / ".local/share/seawall/seawall.db", timeout=LIMIT)
    with store:
        for at, seconds, answers in ((hour, 6.0, 30), (hour + 1, 0.5, 40), (hour + 2, 30.0, 19)):
            began = Latency(at, 0, "api.anthropic.com", "opus", step_of(seconds), answers)
            store.execute(UPSERT_LATENCY, latency_cells(began))
    store.close()
    until(lambda: _data(shown, "/api/v1/history")["latency"]["answers"] >= 89, "the latencies are on record")
    page = shown.open()
    page.wait_for_selector("#week-body .heat")
    names = [one.inner_text() for one in page.query_selector_all("#week-body .switch label")]
    assert names == ["failures", "latency", "limits"]
    page.check("#week-latency")
    seen(page, "document.querySelector('.heat caption').innerText.startsWith('latency')")
    assert page.evaluate("document.activeElement.id") == "week-latency"
    cells = {
        cell.get_attribute("title"): (cell.get_attribute("class"), cell.inner_text().strip()[:1])
        for cell in page.query_selector_all(".heat td[title]")
    }
    told = {
        answers: next(title for title in cells if f"{answers} answers" in title) for answers in (19, 30, 40)
    }
    assert (told[30], cells[told[30]]) == ("half began within 7 s, 30 answers", ("h3", "+"))
    assert (told[40], cells[told[40]]) == ("half began within 437 ms, 40 answers", ("h1", "."))
    assert (told[19], cells[told[19]][0]) == ("19 answers: too few", None)
    assert "5–10 s" in page.inner_text("#week-body .legend")
    page.keyboard.press("ArrowRight")
    seen(page, "document.querySelector('.heat caption').innerText.startsWith('limits')")
    assert "3–6 %" in page.inner_text("#week-body .legend")


def test_it_works_by_keyboard_alone(shown: Shown) -> None:
    """From the skip link to an explanation, without a mouse; what has the focus is seen to have it."""
    page = shown.open()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    seen(page, "document.activeElement.id === 'verdict'")
    reached = []
    for _ in range(6):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        if reached[-1] == "paste-text":
            break
    assert reached[-1] == "paste-text", reached
    page.keyboard.type('API Error: 529 {"type":"error","error":{"type":"overloaded_error"}}')
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#paste-answer h3")
    assert "Anthropic's side" in page.inner_text("#paste-answer h3")
    assert "provider.overloaded" in page.inner_text("#paste-answer")


def test_axe_finds_no_serious_fault(shown: Shown) -> None:
    """In both themes, on a desk and on a phone, with calls held; nothing needs scrolling sideways."""
    from axe_playwright_python.sync_playwright import Axe

    page = shown.open(bypass_csp=True)  # axe is a script of a foreign origin
    shown.fake.script(*["overloaded"] * 500)
    threads, _ = _in_threads(1, shown.call)
    page.wait_for_selector("#held-body tbody tr")
    page.wait_for_selector("#week-body .heat")
    faults, widths = [], {}
    for scheme in ("light", "dark"):
        for width in (1280, 390):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 844})
            found = Axe().run(page).response["violations"]
            faults += [
                (scheme, width, one["id"], one["nodes"][0]["html"])
                for one in found
                if one["impact"] in ("serious", "critical")
            ]
            widths[scheme, width] = page.evaluate("document.documentElement.scrollWidth")
    shown.fake.api._next.clear()
    assert faults == []
    assert all(seen <= width for (_, width), seen in widths.items()), widths
    for thread in threads:
        thread.join(120)


LONG = (Path(__file__).parent / "long_words.js").read_text()


@pytest.mark.parametrize("width", [360, 390, 600, 830, 1024, 1280])
def test_no_word_is_too_long_for_the_page(shown: Shown, width: int) -> None:
    """Settings, names and texts of any length: nothing scrolls sideways, and no table hides its last column."""
    page = shown.open(viewport={"width": width, "height": 844})
    page.wait_for_selector("#settings-body table", state="attached")
    page.wait_for_selector("#plan-body > *")
    page.wait_for_selector("#causes-body table")
    found = page.evaluate(LONG)
    assert (found["page"], found["cut"]) == (width, [])
    assert found["boxes"] == []
    assert "over 12 h" in page.inner_text("#causes-body").replace("\u00a0", " ")


def test_state_is_never_by_colour_alone(shown: Shown) -> None:
    """Every mark has a sign of its own, every hop and cell its words."""
    page = shown.open()
    for hop in page.query_selector_all(".hops li"):
        assert re.search(r"fine|noticed|fails|not run|not known", hop.inner_text())
    assert page.inner_text("#link").endswith("live")
    assert page.inner_text("#verdict-title")[0] in "✓!✕"


def test_what_was_measured_before_a_success_is_no_trouble_any_more(shown: Shown) -> None:
    """A measurement made in an outage may be ten minutes old: where calls go through and nothing fails, it is over."""
    page = shown.open()
    said = page.evaluate(
        """async () => {
        const { situation } = await import('/seawall/live.js');
        const now = Date.parse('2026-11-20T13:22:00Z');
        const measured = { ok: false, generated_at: '2026-11-20T13:20:00Z', verdict: { cause: 'provider.overloaded',
          party: 'provider', title: 'overloaded', do: [], dont: [], evidence: [] } };
        const kind = (succeeded_at, cause) => situation(
          { status: { succeeded_at, cause, held: 0 }, measured, causes: {}, open: [] }, now).kind;
        const at = (text) => Date.parse(text) / 1000;
        return [kind(null), kind(at('2026-11-20T13:19:59Z')), kind(at('2026-11-20T13:20:01Z')),
          kind(at('2026-11-20T13:20:01Z'), 'provider.overloaded')];
    }"""
    )
    assert said == ["measured", "measured", "calm", "trouble"]


def test_hostile_text_stays_text(shown: Shown) -> None:
    """Names of clients, agents and causes come from outside: no element is made of them."""
    page = shown.open()
    page.evaluate(
        """async () => {
        const bad = '<img src=x onerror="document.title=1"><script>document.title=2</script>\\u202e\\u0000';
        const live = await import('/seawall/live.js'), past = await import('/seawall/past.js');
        live.drawHeld({held: 1, waiting: [{client: bad, agent: bad, family: bad, why: bad, cause: bad, id: bad}]});
        live.drawPath({generated_at: '2026-11-20T13:22:00Z', checks: [{id: 'net.dns', state: 'fail', summary: bad}]});
        past.drawSettings({values: {[bad]: {value: bad, source: bad}}});
        past.drawCauses({causes: [{cause: bad, episodes: 1, calls: 1}]});
    }"""
    )
    assert page.evaluate("document.querySelectorAll('main img, main script').length") == 0
    assert "<img src=x" in page.inner_text("#held-body")
    assert page.title() == "Seawall"


def test_five_hundred_held_calls_are_shown_at_once(shown: Shown) -> None:
    """Fifty are listed and the rest is counted; the list does not make the page jump or slow."""
    page = shown.open()
    took = page.evaluate(
        """async () => {
        const live = await import('/seawall/live.js');
        const call = (n) => ({id: `sw_${n}`, client: 'claude-cli/2.1', agent: `s:${n}`, family: 'opus', attempt: 3,
          waited: n, next_in: n, cause: 'provider.overloaded', why: '529'});
        live.drawHeld({held: 500, waiting: Array.from({length: 50}, (_, n) => call(n)), waiting_more: 450});
        return document.querySelectorAll('#held-body tbody tr').length;
    }"""
    )
    assert took == 50
    assert "and 450 more" in page.inner_text("#held-body")
    assert page.inner_text("#held-count").startswith("500 held")


def test_a_key_in_a_pasted_text_is_said_to_have_been_there(shown: Shown) -> None:
    """Masked, with the terminal's own line; a text without one has no such line."""
    page = shown.open()
    for text, told in ((f"API Error: 529 {KEY}", True), ("API Error: 529 Overloaded", False)):
        page.fill("#paste-text", text)
        page.press("#paste-text", "Control+Enter")
        page.wait_for_selector("#paste-answer .note" if told else "#paste-answer:not(:has(.note)) h3")
        answer = page.inner_text("#paste-answer")
        assert (KEY_NOTE in answer) == told
        assert "provider.overloaded" in answer
        assert KEY[20:] not in answer


def test_a_gateway_that_leaves_is_seen_to_have_left(own: Shown) -> None:
    """What is shown is old then, and the page says so in words."""
    page = own.open()
    own.process.terminate()
    seen(page, "/has left|no word/.test(document.getElementById('link').innerText)")
    assert own.process.wait(LIMIT) == 0


def test_of_a_gateway_that_is_gone_nothing_is_said_to_be_safe(own: Shown) -> None:
    """Killed while it holds calls: no word of live, of holding or of waiting any more, but what to do; once it is there
    again the page goes on by itself."""
    page = own.open()
    own.fake.script(*["overloaded"] * 500)
    threads, _ = _in_threads(1, lambda session: _quietly(own, session))
    seen(page, "document.getElementById('verdict-action').innerText.startsWith('Seawall is holding')")
    own.process.kill()
    own.process.wait(LIMIT)
    for thread in threads:
        thread.join(LIMIT)
    seen(page, "document.getElementById('verdict-title').innerText.includes('does not answer')")
    assert page.inner_text("#verdict-title").startswith("✕This machine — the gateway at 127.0.0.1:")
    assert page.inner_text("#link") == "✕ no word from the gateway; what is shown is old"
    assert page.inner_text("#verdict-action") == ""
    assert page.title() == "(?) Seawall"
    rows = page.inner_text("#verdict-rows")
    assert "seawall off" in rows
    assert "when it held 1 call" in rows
    address = own.address.removeprefix("http://")
    again = own.home.start("serve", "--listen", address, "--json", "--upstream", own.fake.url)
    assert again.stdout is not None
    assert again.stdout.readline()
    seen(page, "document.getElementById('link').innerText.endsWith('live')")
    seen(page, "!document.getElementById('verdict-title').innerText.includes('does not answer')")


def _quietly(shown: Shown, session: str) -> None:
    """A call whose gateway may be killed meanwhile."""
    with suppress(OSError, HTTPException):
        shown.call(session)


def test_a_page_that_is_let_in_no_more_says_how_to_get_in(shown: Shown) -> None:
    """After a week its cookie is good no more: that is not a gateway that is gone."""
    page = shown.open()
    page.context.clear_cookies()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_selector("main:has-text('seawall watch --web')")
    assert "does not answer" not in page.inner_text("main")
    shown.faults[:] = [one for one in shown.faults if "401" not in one]


def test_a_page_for_which_there_is_no_room_asks_instead(shown: Shown) -> None:
    """Sixteen listen already: it is live all the same, and learns of an outage."""
    host, port = shown.address.removeprefix("http://").split(":")
    head = f"GET /api/v1/events HTTP/1.1\r\nhost: {host}:{port}\r\nx-seawall-token: {shown.token}\r\n\r\n"
    with ExitStack() as open_ones:
        for _ in range(FOLLOWERS):
            one = open_ones.enter_context(socket.create_connection((host, int(port))))
            one.sendall(head.encode())
            one.recv(9)
        page = shown.open()
        seen(page, "document.getElementById('link').innerText.endsWith('live')")
        shown.fake.script(*["overloaded"] * 500)
        threads, _ = _in_threads(1, shown.call)
        seen(page, "document.title.includes('held')")
        shown.fake.api._next.clear()
        for thread in threads:
            thread.join(LIMIT)
    shown.faults[:] = [one for one in shown.faults if "503" not in one]


def test_pages_behind_others_leave_the_browser_its_connections(shown: Shown) -> None:
    """A browser opens six connections to an address: a seventh page opens all the same, and one that is behind still
    learns of an outage; when it is looked at it is live."""
    page = shown.open()
    page.context.add_init_script(
        "Object.defineProperty(document, 'hidden', { get: () => window.behind === true })"
    )
    turn = "window.behind = {}; document.dispatchEvent(new Event('visibilitychange'))"
    pages = []
    for _ in range(8):
        other = page.context.new_page()
        other.goto(shown.address + "/")
        other.wait_for_selector("#verdict.is-good, #verdict.is-warn, #verdict.is-bad")
        seen(other, "document.getElementById('link').innerText.endsWith('live')")
        other.evaluate(turn.format("true"))
        pages.append(other)
    shown.fake.script(*["overloaded"] * 500)
    threads, _ = _in_threads(1, shown.call)
    seen(pages[0], "document.title.includes('held')")
    shown.fake.api._next.clear()
    for thread in threads:
        thread.join(LIMIT)
    pages[0].evaluate(turn.format("false"))
    seen(pages[0], "document.title === 'Seawall'")
    assert pages[0].inner_text("#link").endswith("live")


def test_a_note_is_read_out_with_its_episode(shown: Shown) -> None:
    """What somebody noted of an episode is shown in their own words."""
    at = time.time() - 3 * 3600
    store = sqlite3.connect(shown.home.path / ".local/share/seawall/seawall.db", timeout=LIMIT)
    with store:
        store.execute(INSERT_ATTEMPT, cells(replace(FAILED, at=at)))
    store.close()
    until(lambda: CAUSE in str(_data(shown, "/api/v1/history")), "the episode is on record")
    found = [one for one in _data(shown, "/api/v1/history")["episodes"] if one["cause"] == CAUSE]
    noted = shown.home.seawall("history", "note", found[0]["id"], "the <b>proxy</b> was down")
    assert noted.returncode == 0, noted.stderr
    page = shown.open()
    page.click(f"#episode-{found[0]['id']}")
    page.wait_for_selector("#episode h3")
    assert "Your note: the <b>proxy</b> was down" in page.inner_text("#episode")


def test_one_call_that_is_tried_thirty_times_is_no_busy_hour(shown: Shown) -> None:
    """A cell needs twenty calls, as in the terminal, not twenty attempts."""
    page = shown.open()
    page.evaluate(
        """async () => {
        const { drawWeek } = await import('/seawall/past.js');
        const row = (at, attempts, calls) => ({ at: `2026-11-16T${at}:00:00Z`, utc_offset: 0, attempts, calls,
          failed: 30 });
        drawWeek({ hours: [row('10', 31, 1), row('12', 60, 20)], episodes: [] });
    }"""
    )
    titles = [cell.get_attribute("title") for cell in page.query_selector_all(".heat td[title]")]
    assert titles == ["1 call: too few", "50 % failed, 60 attempts"]
    assert "blank: under 20 calls" in page.inner_text("#week-body .legend")


def test_in_forced_colours_what_failed_can_still_be_told(shown: Shown) -> None:
    """Where the system's own colours replace ours, failures, successes and the ground are still seen to differ."""
    page = shown.open(forced_colors="active")
    page.evaluate(
        """async () => {
        const { svg } = await import('/seawall/draw.js');
        const rects = ['track', 'fill-good', 'fill-bad'].map((cls, at) => svg('rect', { cls, x: at * 20,
          width: 20, height: 20 }));
        document.querySelector('main').prepend(svg('svg', { id: 'drawn', width: 60, height: 20 }, ...rects));
    }"""
    )
    # What is painted: the style that scripts can read is not the one that is forced.
    image = base64.b64encode(page.locator("#drawn").screenshot()).decode()
    painted = page.evaluate(
        """async (image) => {
        const bytes = Uint8Array.from(atob(image), (one) => one.charCodeAt(0));
        const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
        const canvas = new OffscreenCanvas(60, 20).getContext('2d', { willReadFrequently: true });
        canvas.drawImage(bitmap, 0, 0);
        return [10, 30, 50].map((x) => [...canvas.getImageData(x, 10, 1, 1).data].join());
    }""",
        image,
    )
    assert len(set(painted)) == 3, painted


def test_the_hours_of_a_day_stay_in_one_line(shown: Shown) -> None:
    """At four times the size too: `10:00` is not broken."""
    page = shown.open(viewport={"width": 320, "height": 256})
    page.wait_for_selector(".scale span", state="attached")
    heights = page.evaluate("[...document.querySelectorAll('.scale span')].map((one) => one.offsetHeight)")
    line = page.evaluate("parseFloat(getComputedStyle(document.querySelector('.scale')).lineHeight) || 20")
    assert max(heights) < 1.6 * line


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (
            {"days": 30, "calls": 24398, "known_hours": 20},
            "No clear pattern yet (30 days, 24\u202f398 calls): no hour",
        ),
        ({"days": 1, "calls": 7, "known_hours": 0}, "Too little is on record to say when (1 day, 7 calls)."),
    ],
)
def test_a_plan_without_windows_says_why(shown: Shown, plan: dict[str, int], said: str) -> None:
    """Much on record without a pattern is not called too little."""
    page = shown.open()
    page.wait_for_selector("#plan-body p")
    whole = {"basis": "none", "best": [], "avoid": None, "move": [], "stagger": [], "claims": [], **plan}
    page.evaluate("async (plan) => (await import('/seawall/past.js')).drawPlan(plan)", whole)
    assert page.inner_text("#plan-body").startswith(said)


def test_it_prints_to_one_sheet(shown: Shown, tmp_path: Path) -> None:
    """With all its sections, on A4."""
    page = shown.open()
    page.wait_for_selector("#models-body table")
    page.wait_for_selector("#week-body .heat")
    pdf = page.pdf(format="A4", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1


def test_what_is_loaded_is_small(shown: Shown) -> None:
    """Under 300 kB in all, the page's data included."""
    page = shown.open()
    page.wait_for_selector("#settings-body table", state="attached")
    size = page.evaluate(
        "performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))"
        ".reduce((sum, one) => sum + one.transferSize, 0)"
    )
    assert 20_000 < size < 300_000


def test_without_a_link_a_person_is_told_how_to_get_in(shown: Shown) -> None:
    """Somebody who types the address finds the command, and nothing else."""
    page = shown.browser.new_context().new_page()
    assert page.goto(shown.address + "/").status == 401
    assert "seawall watch --web" in page.inner_text("main")

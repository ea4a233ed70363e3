"""What the dashboard costs: `python -m bench.page` prints one JSON object, in about half a minute.

A gateway before the faulty API: its memory when it has started, after some calls, with a page open that has asked for
all there is, and after a scrape of `/metrics`; what counting adds to a call; what a browser loads, and when it paints
(null where there is no Chromium).
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import timeit
import urllib.request
from pathlib import Path
from typing import Any

from bench.measure import resident_kb
from seawall.clock import SystemClock
from seawall.fake.thread import BackgroundFakeApi
from seawall.gateway import runtime
from seawall.gateway.records import LaneKey, Records
from seawall.view.web.keys import link

CALLS = 300
BODY = b'{"model":"claude-opus-4-1","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}'
PATHS = ("status", "rates", "config", "history", "plan", "verdict", "explain?code=provider.overloaded")
PAINT = "performance.getEntriesByType('paint').find(one => one.name === 'first-contentful-paint')?.startTime"
LOADED = (
    "performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))"
    ".reduce((sum, one) => sum + one.transferSize, 0)"
)


def asked(address: str, path: str, body: bytes | None = None, **headers: str) -> bytes:
    """The body of an answer."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    with urllib.request.urlopen(urllib.request.Request(address + path, body, given), timeout=60) as answer:
        whole: bytes = answer.read()
    return whole


def counting() -> float:
    """Microseconds that the figures of a successful call take."""
    records, lane = Records(SystemClock(), None), LaneKey("api.anthropic.com", "a1b2", "opus")

    def one() -> None:
        records.tallies.of(lane.route, lane.family).succeeded += 1
        records.timed(lane, 0.0003, 0.8)

    return min(timeit.repeat(one, number=100_000, repeat=5)) * 10


def browsed(address: str, token: str) -> dict[str, Any]:
    """When Chromium paints the page, and how much it loads."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        return {"first_paint_ms": None, "loaded_kb": None}
    from playwright.sync_api import sync_playwright

    paints = []
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        page = browser.new_page()
        page.goto(address + link(token, time.time()))
        page.wait_for_selector("#path-body .hops")
        for _ in range(5):
            page.goto(address + "/")
            page.wait_for_selector("#settings-body table", state="attached")
            paints.append(page.evaluate(PAINT))
        loaded = page.evaluate(LOADED)
        browser.close()
    return {"first_paint_ms": round(sorted(paints)[2]), "loaded_kb": round(loaded / 1000)}


def main() -> None:
    """Measures, prints, ends what it started."""
    found: dict[str, Any] = {"counting_us_a_call": round(counting(), 2)}
    with tempfile.TemporaryDirectory() as folder, BackgroundFakeApi(seed=1) as fake:
        environ = {"PATH": os.environ["PATH"], "HOME": folder, "XDG_RUNTIME_DIR": folder, "TMPDIR": folder}
        command = [
            sys.executable,
            "-m",
            "seawall",
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--json",
            "--upstream",
            fake.url,
        ]
        process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            address = str(json.loads(process.stdout.readline())["address"])
            token = runtime.read_token(Path(folder) / "seawall") or ""
            time.sleep(2)  # its store is made by then
            memory = {"started": resident_kb(process.pid)}
            for _ in range(CALLS):
                asked(
                    address,
                    "/v1/messages",
                    BODY,
                    x_api_key="sk-ant-api03-" + "k" * 40,
                    anthropic_version="2023-06-01",
                    content_type="application/json",
                )
            memory["after_calls"] = resident_kb(process.pid)
            took = {}
            for path in PATHS:
                began = time.monotonic()
                asked(address, f"/api/v1/{path}", x_seawall_token=token)
                took[path.partition("?")[0]] = round(1000 * (time.monotonic() - began))
            memory["page_asked"] = resident_kb(process.pid)
            began = time.monotonic()
            asked(address, "/metrics", x_seawall_token=token)
            took["metrics"] = round(1000 * (time.monotonic() - began))
            memory["scraped"] = resident_kb(process.pid)
            found |= {"memory_kb": memory, "took_ms": took, **browsed(address, token)}
        finally:
            process.terminate()
            process.wait(30)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()

"""What `seawall plan` prints, word for word, at any width; and the batch in Python, run with the real SDK."""

import ast
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from seawall.config import Plan as Settings
from seawall.history.claims import claim
from seawall.history.plan import Batch, Outlook, Window
from seawall.history.rates import Hours, Rate
from seawall.history.work import Burst, Recurring
from seawall.view import plan as view
from seawall.view.layout import Look, columns

NOW = 1_795_020_600.0  # 2026-11-18 16:50 UTC, a Wednesday
HOUR = 3600.0
TODAY = NOW - NOW % 86400
CLAIMS = [one for text in Settings().published_peaks if (one := claim(text))]


def window(first: float, last: float, calls: int, failed: int) -> Window:
    return Window(TODAY + first * HOUR, TODAY + last * HOUR, Rate(calls, failed))


BEST = (window(20, 23, 811, 9), window(31, 33, 402, 6))
PLAN = view.Plan(
    now=NOW,
    ahead=24,
    span=30 * 86400.0,
    least=20,
    hours=Hours(total=Rate(9412, 300), days=30),
    outlook=Outlook(BEST, window(17, 18, 1033, 82), 24),
    moves=[
        view.Move(Recurring("claude-cli", 15, 12, 40, 80, False), BEST[0], 3, Batch(False, "no")),
        view.Move(Recurring("Anthropic/Python", 9, 20, 1200, 1400, True), BEST[0], 5, Batch(True, "yes")),
    ],
    stagger=[(Burst(("a", "b", "c", "d", "e", "f"), NOW, 4.0, 540, 5), 20)],
    claims=CLAIMS,
    wanted=None,
    offset=lambda _: 0,
)


def test_the_whole_answer() -> None:
    """Windows, what to avoid, what to move, what to start apart, what others claim: in this order and these words."""
    assert view.whole(PLAN, Look(80)) == [
        "Best windows in the next 24 h, from your own 30 days:",
        "  today 20:00–23:00      1.1 % failures (811 calls)   starts in 3 h 10 min",
        "  tomorrow 07:00–09:00   1.5 % failures (402 calls)   starts in 14 h 10 min",
        "Avoid: today 17:00–18:00   7.9 % (1 033 calls)",
        "",
        "Move off-peak or to a batch:",
        "  claude-cli (40 calls hit at 15:00 on 12 days)",
        "  → 20:00: about 3 failures fewer a day",
        "  Anthropic/Python (1 200 calls hit at 09:00 on 20 days)",
        "  → batch: half the price, done within 24 h",
        "  (Anthropic's documentation of the Message Batches API, read in August 2026;",
        "  `seawall plan --snippet` prints the call)",
        "",
        "Stagger: 6 runs started within 4 s at 09:00 (on 5 days); 20 s apart avoids the",
        "429s",
        "",
        'Published claims, for comparison: "9–17 h Pacific on weekdays" (a source',
        'document, 2026); "5–11 h Pacific on weekdays" (Anthropic staff, plan limits, 26',
        "Mar 2026; withdrawn on 6 May 2026). Your own numbers are used instead.",
    ]


@pytest.mark.parametrize(
    ("outlook", "least", "says"),
    [
        (Outlook(), 20, "Too little is on record to say when (30 days, 9 412 calls): an hour needs 20 calls"),
        (
            Outlook(known=24),
            20,
            "No clear pattern yet (30 days, 9 412 calls): no hour of yours is surely better than another",
        ),
    ],
)
def test_without_a_pattern(outlook: Outlook, least: int, says: str) -> None:
    """It is said, and claims of others are shown as claims."""
    plan = replace(PLAN, outlook=outlook, least=least, moves=(), stagger=())
    lines = view.whole(plan, Look(None, plain=True))
    assert lines[0] == says
    assert lines[-1].endswith("These are claims; nothing of your own confirms them yet.")
    assert '"9-17 h Pacific on weekdays"' in lines[-1]
    assert view.whole(replace(plan, claims=()), Look(None)) == [says]


@pytest.mark.parametrize(
    ("now", "said"), [(Rate(100, 7), "now 7.0 %"), (None, "of this hour too little is known")]
)
def test_work_that_was_asked_about(now: Rate | None, said: str) -> None:
    """When it would go best, how it is now, and whether it should be a batch."""
    best = PLAN.outlook.best[0]
    wanted = view.Wanted("claude -p 'all'\x1b[2J", now, Batch(False, "Claude Code waits"), best)
    lines = view.whole(replace(PLAN, wanted=wanted, moves=(), stagger=(), claims=()), Look(None))
    assert lines[-2:] == [
        f"claude -p 'all'?[2J: today 20:00–23:00 (starts in 3 h 10 min), 1.1 % failures; {said}",
        "No batch: Claude Code waits",
    ]
    wanted = replace(wanted, batch=Batch(True, "half"), best=None)
    plan = replace(PLAN, wanted=wanted, outlook=Outlook(known=24), moves=(), stagger=(), claims=())
    shown = view.whole(plan, Look(None))
    assert shown[-2:] == [f"claude -p 'all'?[2J: any hour; {said}", "Batch: half"]
    soon = view.whole(replace(plan, wanted=replace(wanted, due=plan.now + 9 * 3600)), Look(None))
    assert soon[-2] == f"claude -p 'all'?[2J: any hour until tomorrow 01:50; {said}"


@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
def test_any_width(width: int) -> None:
    """Nothing is wider than the terminal."""
    assert max(map(columns, view.whole(PLAN, Look(width)))) <= width


@pytest.mark.parametrize(
    ("first", "said"),
    [
        (0.0, "starts now"),
        (3600.0, "starts in 1 h"),
        (90.0, "starts in 1 min 30 s"),
        (49_800.0, "starts in 13 h 50 min"),
        (172_740.0, "starts in 47 h 59 min"),
        (36_059.0, "starts in 10 h"),
    ],
)
def test_when_a_window_starts(first: float, said: str) -> None:
    """In how long; or now, where it has begun."""
    best = Window(NOW + first, NOW + 7200, Rate(100, 1))
    lines = view.whole(replace(PLAN, outlook=Outlook((best,), None, 24)), Look(None))
    assert lines[1].endswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [("2026-03-26", "26 Mar 2026"), ("2026", "2026"), ("2026-13-01", "2026-13-01"), ("\x1b[2J", "?[2J")],
)
def test_a_date(text: str, said: str) -> None:
    """As people write it; anything else as it is, made harmless."""
    assert view.day(text) == said


def test_the_days_of_windows() -> None:
    """By the wall clock there: another offset is another day."""
    late = replace(PLAN, offset=lambda _: 9 * 60, ahead=48)
    look = Look(None)
    assert view.span(BEST[0], late, look) == "today 05:00–08:00"
    assert view.span(window(50, 52, 1, 0), PLAN, look) == "Fri 02:00–04:00"


def answered(path: str, asked: list[Any]) -> object:
    """What the Message Batches API answers."""
    name = "msgbatch_01"
    if path.endswith("/results"):
        message = {
            "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
            "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1},
            "content": [{"type": "text", "text": "hello"}],
        }  # fmt: skip
        fault = {"type": "error", "error": {"type": "api_error", "message": "no"}, "request_id": None}
        lines = [
            {"custom_id": "first", "result": {"type": "succeeded", "message": message}},
            {"custom_id": "second", "result": {"type": "errored", "error": fault}},
        ]
        return b"".join(json.dumps(one).encode() + b"\n" for one in lines)
    done = len(asked) > 2
    at = "2026-11-20T13:22:00Z"
    return {
        "id": name, "type": "message_batch", "processing_status": "ended" if done else "in_progress",
        "request_counts": {"processing": 0, "succeeded": 1, "errored": 1, "canceled": 0, "expired": 0},
        "ended_at": at if done else None, "created_at": at, "expires_at": at, "archived_at": None,
        "cancel_initiated_at": None, "results_url": f"/v1/messages/batches/{name}/results" if done else None,
    }  # fmt: skip


@pytest.fixture
def batches() -> Iterator[tuple[str, list[Any]]]:
    """An API that knows batches, and what it was asked."""
    asked: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            asked.append((self.command, self.path, json.loads(self.rfile.read(length)) if length else None))
            answer = answered(self.path, asked)
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_batch_runs_with_the_real_sdk(batches: tuple[str, list[Any]]) -> None:
    """As printed, but that it waits no minute: one batch made, watched until its end, its results printed."""
    address, asked = batches
    ast.parse(view.SNIPPET)
    code = view.SNIPPET.replace("time.sleep(60)", "time.sleep(0.01)")
    assert code != view.SNIPPET
    environment = {
        "PATH": os.defpath,
        "ANTHROPIC_API_KEY": "sk-ant-api03-none",
        "ANTHROPIC_BASE_URL": address,
        "NO_PROXY": "*",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "msgbatch_01\n")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"id": "first", "type": "succeeded", "texts": ["hello"]},
        {"id": "second", "type": "errored", "texts": []},
    ]
    method, path, body = asked[0]
    assert (method, path) == ("POST", "/v1/messages/batches")
    assert [one["custom_id"] for one in body["requests"]] == ["first", "second"]
    assert set(body["requests"][0]["params"]) == {"model", "max_tokens", "messages"}
    assert max(map(len, view.SNIPPET.splitlines())) <= 110

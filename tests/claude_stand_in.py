"""A `claude` of our own for a home's path: it asks for one streamed answer, and writes down how it was called."""

import json
import shlex
import sys
from pathlib import Path

from own_home import Home

_SCRIPT = '''
import datetime, json, os, pathlib, sys, urllib.error, urllib.request

NOTE, TRANSCRIPT, SHOWN = {note!r}, {transcript!r}, {shown!r}


def ask():
    """Whether the whole answer came."""
    body = json.dumps({{"model": "claude-opus-5", "max_tokens": 500, "stream": True,
                       "messages": [{{"role": "user", "content": "count"}}]}}).encode()
    headers = {{"content-type": "application/json", "anthropic-version": "2023-06-01",
               "x-api-key": "sk-ant-api03-" + "k" * 40, "user-agent": "claude-cli/2.1.329"}}
    url = os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages"
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({{}})).open(
            urllib.request.Request(url, body, headers)
        ) as answer:
            return b"message_stop" in answer.read()
    except (OSError, urllib.error.URLError, ValueError):
        return False
    except Exception:  # the stream broke off
        return False


def write():
    """The failure, as Claude Code notes it, under the session's id."""
    words = sys.argv[1:]
    names = [words[n + 1] for n, word in enumerate(words) if word in ("--session-id", "--resume")]
    folder = pathlib.Path(os.environ["HOME"]) / ".claude/projects/-here"
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z")
    row = {{"type": "assistant", "uuid": now, "timestamp": now, "version": "2.1.329", "isApiErrorMessage": True,
           "message": {{"model": "<synthetic>", "content": [{{"type": "text", "text": SHOWN}}]}}}}
    with open(folder / ((names or ["other"])[0] + ".jsonl"), "a") as file:
        file.write(json.dumps(row) + "\\n")


with open(NOTE, "a") as note:
    note.write(json.dumps(sys.argv[1:]) + "\\n")
good = "ANTHROPIC_BASE_URL" in os.environ and ask()
if not good and TRANSCRIPT:
    write()
print("answered" if good else "failed", flush=True)
sys.exit(0 if good else 1)
'''


class StandIn:
    """`claude` on this home's path. `shown`: what it writes into its transcript where it fails; nothing if empty."""

    def __init__(self, home: Home, shown: str = "") -> None:
        self._note = home.path.parent / "calls"
        script = home.path.parent / "claude.py"
        script.write_text(_SCRIPT.format(note=str(self._note), transcript=bool(shown), shown=shown))
        home.tool("claude", f'exec {shlex.quote(sys.executable)} {shlex.quote(str(script))} "$@"')

    @property
    def calls(self) -> list[list[str]]:
        """The arguments of each call."""
        path = Path(self._note)
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

"""Runs the laboratory in one process of its own and keeps what the doctor said of each case."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from lab_world import NEEDS, Case, judged

MOST = 420.0
"""Seconds for all cases on a busy machine."""
_PLACES = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
_OWN = ("--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


def missing(case: Case) -> str:
    """Why a case cannot be tried here; empty if it can."""
    gone = [name for name in case.world.needs if shutil.which(name, path=_PLACES) is None]
    return f"not installed: {', '.join(gone)}" if gone else ""


@cache
def refused() -> str:
    """Why there can be no laboratory here; empty if there can."""
    if sys.platform != "linux":
        return "network namespaces are Linux's"
    gone = [name for name in NEEDS if shutil.which(name, path=_PLACES) is None]
    if gone:
        return f"not installed: {', '.join(gone)}"
    script = "ip link set lo up && ip link add v0 type veth peer name v1 && nft add table inet t"
    script += " && mount -t tmpfs t /mnt"
    tried = subprocess.run(
        [*_unshare(), "sh", "-c", script], env=_environ(), capture_output=True, text=True, check=False
    )
    said = " ".join(tried.stderr.split())[:200]
    return f"the kernel refuses networks of our own: {said}" if tried.returncode else ""


def _unshare() -> list[str]:
    return ["unshare", *(() if os.geteuid() == 0 else ("--user", "--map-root-user")), *_OWN]


def _environ() -> dict[str, str]:
    return {
        "PATH": _PLACES,
        "PYTHONPATH": str(Path(__file__).parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LANG": "C.UTF-8",
    }


def begin(names: Iterable[str], place: Path) -> "subprocess.Popen[bytes]":
    """The laboratory at work. Its input is our end of a pipe, which the kernel closes if we die: then it ends too."""
    script = Path(__file__).with_name("lab_run.py")
    command = [*_unshare(), sys.executable, str(script), str(place), *names]
    with (place / "lab.err").open("wb") as complaints:
        return subprocess.Popen(
            command, env=_environ(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints
        )


def run(names: Iterable[str], place: Path) -> dict[str, dict[str, Any]]:
    """What came of each named case. However this ends, nothing of the laboratory stays."""
    process = begin(names, place)
    assert process.stdout is not None
    assert process.stdin is not None
    timer = threading.Timer(MOST, process.kill)
    timer.daemon = True
    timer.start()
    try:
        found = [json.loads(line) for line in process.stdout]
    finally:
        timer.cancel()
        process.stdin.close()
        process.stdout.close()
        process.wait()
    assert found, (place / "lab.err").read_text()[-2000:]
    return {one["case"]: one for one in found}


def grade(case: Case, result: Mapping[str, Any] | None) -> str:
    """`right`, or in one line what is wrong."""
    if result is None or "broke" in result:
        return f"the laboratory failed: {(result or {}).get('broke', 'no result')}"
    if result["answer"] is None:
        return f"no verdict (exit {result['code']}): {result['complained'][-500:]}"
    verdict = result["answer"]["verdict"]
    word = judged(case, verdict)
    if word == "right":
        return word
    beside = f", beside it {', '.join(verdict['also'])}" if verdict["also"] else ""
    wish = " or ".join(one or "all clear" for one in case.right)
    return f"{word}: {verdict['cause'] or 'all clear'} ({verdict['confidence']}){beside}; right is {wish}"

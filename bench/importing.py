"""What `seawall import` costs: `python -m bench.importing [--full]` prints one JSON object, goals first.

Makes transcripts in a folder of its own (400 MB; 4 GB in 750 files, one of them of 600 MB, with `--full`) and deletes
them. Reads them in this process as an import does, beside ripgrep counting the same marker in the same files (if `rg`
is there), turn by turn; of each the best turn counts, since other programs only ever slow down. Then runs the whole
command twice: the first import, and one with nothing new.
"""

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seawall.claude_code.intake import Intake
from seawall.claude_code.scan import File, Scan
from seawall.claude_code.transcripts import MARKERS, find

MB = 1_000_000
BLOCK = 12 * MB
"""Bytes of made-up conversation that files are cut from; larger than what a processor's memory holds."""
LETTERS = "etaoinshrdlucmfwypvbgkjqxz"
GOALS = {"gb_per_s": 2.0, "of_ripgrep": 0.4, "first_s": 30.0, "first_mb": 200.0, "again_s": 0.5}


def conversation(rng: random.Random) -> bytes:
    """Lines as Claude Code writes them: prompts, results of tools, answers, some of 100 kB."""
    words = ["".join(rng.choices(LETTERS, k=rng.randint(2, 9))) for _ in range(4000)]
    lines, size = [], 0
    while size < BLOCK:
        text = " ".join(rng.choices(words, k=rng.choice((20, 60, 200, 800, 3000, 16_000))))
        record: dict[str, Any] = {
            "parentUuid": f"{rng.getrandbits(128):032x}", "isSidechain": False, "type": "user",
            "message": {"role": "user", "content": [
                {"tool_use_id": "toolu_01", "type": "tool_result", "content": f'{text}\n"error": {{}}\n'}
            ]},
            "toolUseResult": {"stdout": text, "stderr": "", "interrupted": False},
            "uuid": f"{rng.getrandbits(128):032x}", "timestamp": "2026-11-20T23:33:16.236Z", "version": "2.1.329",
        }  # fmt: skip
        if len(lines) % 2:
            del record["toolUseResult"]
            content = [{"type": "text", "text": text}]
            record |= {"type": "assistant", "message": {"model": "claude-opus-5-5", "content": content}}
        lines.append(json.dumps(record, separators=(",", ":")).encode() + b"\n")
        size += len(lines[-1])
    return b"".join(lines)


def failure(number: int) -> bytes:
    """A failure that was shown; each has ids of its own."""
    record = {
        "parentUuid": "p", "type": "assistant", "uuid": f"u{number}", "timestamp": "2026-11-20T23:33:16.236Z",
        "message": {"model": "<synthetic>", "content": [{"type": "text", "text": "API Error: 529 Overloaded"}]},
        "requestId": f"req_{number:012}", "isApiErrorMessage": True, "apiErrorStatus": 529, "version": "2.1.329",
    }  # fmt: skip
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def fill(folder: Path, sizes: list[int]) -> int:
    """Writes the files, with a failure for each 10 MB; how many failures there are."""
    block, failures, pieces = conversation(random.Random(7)), 0, 0
    for number, size in enumerate(sizes):
        place = folder / f"-home-dev-{number % 40}"
        place.mkdir(parents=True, exist_ok=True)
        with (place / f"{number:04}.jsonl").open("wb") as stream:
            written, start = 0, block.index(b"\n", (number * 7919 * 64) % (BLOCK // 2)) + 1
            while written < size:
                end = block.rfind(b"\n", start, start + 2 * MB) + 1
                if end <= start or start + 2 * MB > len(block):
                    start = 0
                    continue
                stream.write(block[start:end])
                if pieces % 5 == 0:
                    stream.write(failure(failures))
                    failures += 1
                written, start, pieces = written + end - start, end, pieces + 1
    return failures


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the wall, and of processors, programs that it runs included."""
    began, used = time.perf_counter(), sum(os.times()[:4])
    work()
    return time.perf_counter() - began, sum(os.times()[:4]) - used


def scanned(files: list[str]) -> None:
    """One thread, only the search."""
    for name in files:
        descriptor = os.open(name, os.O_RDONLY)
        for _ in Scan(File(descriptor), 0, os.fstat(descriptor).st_size, MARKERS).lines():
            pass
        os.close(descriptor)


def command(home: Path) -> tuple[float, float, dict[str, Any]]:
    """Seconds, MB at its most, and what `seawall import --json` said, as a whole process."""
    environ = {"HOME": str(home), "PATH": os.environ["PATH"]}
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "seawall", "import", "--json"], env=environ, stdout=subprocess.PIPE, cwd=home
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    took = time.perf_counter() - began
    if process.returncode:
        raise SystemExit(f"seawall import ended with {process.returncode}")
    return took, usage.ru_maxrss * 1024 / MB, json.loads(said)


def measure(home: Path, sizes: list[int], rounds: int) -> dict[str, Any]:
    projects = home / ".claude" / "projects"
    failures = fill(projects, sizes)
    found = sorted(find([projects], print), key=lambda one: one.path)
    files, total = [one.path for one in found], sum(one.status.st_size for one in found)
    tool = shutil.which("rg")
    searched = [tool, "--no-config", "-c", "isApiErrorMessage", str(projects)] if tool else None
    scanned(files)  # from here on they are in memory, as far as they fit
    times: dict[str, list[tuple[float, float]]] = {"one_thread": [], "import": [], "ripgrep": []}
    for _ in range(rounds):
        times["one_thread"].append(timed(lambda: scanned(files)))
        intake = Intake(None, time.time())
        times["import"].append(timed(lambda one=intake: one.take(found)))
        if intake.sum.failures != failures:
            raise SystemExit(f"{intake.sum.failures} of {failures} failures were found")
        if searched:
            times["ripgrep"].append(
                timed(lambda: subprocess.run(searched, stdout=subprocess.DEVNULL, check=True))
            )
    speed = {name: total / min(some)[0] / 1e9 for name, some in times.items() if some}
    used = {name: total / min(one[1] for one in some) / 1e9 for name, some in times.items() if some}
    first_s, first_mb, said = command(home)
    again_s, _, again = command(home)
    if (said["new"], again["new"], again["files"]["unchanged"]) != (failures, 0, len(files)):
        raise SystemExit("the command did not import what is there")
    reached = {
        "gb_per_s": speed["one_thread"],
        "of_ripgrep": speed["import"] / speed["ripgrep"] if searched else None,
        "first_s": first_s,
        "first_mb": first_mb,
        "again_s": again_s,
    }
    return {
        "goals": {name: {"goal": goal, "measured": rounded(reached[name])} for name, goal in GOALS.items()},
        "gb_per_s": {name: rounded(value) for name, value in speed.items()},
        "of_ripgrep_by_processor_time": rounded(used["import"] / used["ripgrep"]) if searched else None,
        "gb_per_s_of_processor_time": {name: rounded(value) for name, value in used.items()},
        "files": len(files),
        "gb": rounded(total / 1e9),
        "failures": failures,
        "rounds": rounds,
        "cores": os.cpu_count(),
        "bench_mb": rounded(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MB),
    }


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--full", action="store_true", help="4 GB in 750 files, one of them of 600 MB")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument(
        "--folder", type=Path, help="where the files are made; default: the system's for such"
    )
    given = options.parse_args()
    sizes = [600 * MB, *[4_540_000] * 749] if given.full else [60 * MB, *[3_400_000] * 100]
    with tempfile.TemporaryDirectory(prefix="seawall-import-", dir=given.folder) as home:
        print(json.dumps(measure(Path(home), sizes, given.rounds), indent=2))


if __name__ == "__main__":
    main()

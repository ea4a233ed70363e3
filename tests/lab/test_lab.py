"""The doctor in broken networks: real cables, name servers, firewalls, proxies and certificates, and its verdict.

All cases run side by side in one process outside; the first test that asks starts it, and the workers of a test run
share what came of it.
"""

import contextlib
import fcntl
import json
import shutil
import tempfile
import time
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import lab_score
import pytest
from lab_cases import CASES
from lab_world import KEY, Case, World, judged

SCHEMA = jsonschema.Draft202012Validator(
    json.loads(resources.files("seawall.schemas").joinpath("seawall.verdict-1.json").read_text())
)
pytestmark = pytest.mark.timeout(lab_score.MOST + 60)


@pytest.fixture(scope="session")
def lab_verdicts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of every case that was chosen."""
    if reason := lab_score.refused():
        pytest.skip(reason)
    items = [one for one in request.session.items if "lab_verdicts" in getattr(one, "fixturenames", ())]
    chosen = [one.callspec.params["case"] for one in items if isinstance(one, pytest.Function)]
    names = [case.name for case in chosen if not lab_score.missing(case)]
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if hasattr(request.config, "workerinput") else own
    with (shared / "lab.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = shared / "lab.json"
        if not kept.exists():
            place = Path(tempfile.mkdtemp(prefix="lab"))
            try:
                kept.write_text(json.dumps(lab_score.run(names, place)))
            finally:
                shutil.rmtree(place, ignore_errors=True)
        found: dict[str, Any] = json.loads(kept.read_text())
    return found


@pytest.mark.parametrize("case", CASES, ids=[case.name.replace(" ", "-") for case in CASES])
def test_verdict(case: Case, lab_verdicts: dict[str, Any], record_property: Any) -> None:
    """The doctor names a cause that is right for this network, no check of it crashes, and no foreign key is sent."""
    if reason := lab_score.missing(case):
        pytest.skip(reason)
    result = lab_verdicts.get(case.name)
    grade = lab_score.grade(case, result)
    record_property("verdict", grade)
    assert grade == "right"
    assert result is not None
    answer = result["answer"]
    assert [one["id"] for one in answer["checks"] if one["state"] == "crash"] == []
    assert result["code"] == answer["exit_code"]
    assert [error.message for error in SCHEMA.iter_errors(answer)] == []
    assert not [one for one in result["headers"] if "sk-" in one and one != KEY], "a foreign key was sent"


def test_an_abandoned_laboratory_leaves_nothing(tmp_path: Path) -> None:
    """When the process that asked for it is gone, so is everything that it started."""
    if reason := lab_score.refused():
        pytest.skip(reason)

    def inside() -> list[str]:
        found = []
        for one in Path("/proc").iterdir():
            if one.name.isdigit():
                with contextlib.suppress(OSError):
                    found += [one.name] if str(tmp_path) in str((one / "cwd").readlink()) else []
        return found

    process = lab_score.begin(["a dead resolver"], tmp_path)
    assert process.stdin is not None
    try:
        end = time.monotonic() + 60
        while not inside():  # the doctor stands in the case's folder
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)
    finally:
        process.stdin.close()
        process.wait(60)
        assert process.stdout is not None
        process.stdout.close()
    assert inside() == []


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A skipped test names the program that it needs."""
    monkeypatch.setattr(lab_score, "NEEDS", ("ip", "no-such-program"))
    assert lab_score.refused.__wrapped__() == "not installed: no-such-program"
    case = Case("x", World(needs=("no-such-program",)), (None,))
    assert lab_score.missing(case) == "not installed: no-such-program"


def test_there_are_enough_cases() -> None:
    """At least 30 broken networks, each with a name of its own, and each with a party that it must not name."""
    assert len({case.name for case in CASES}) == len(CASES) >= 30
    assert all(case.wrong for case in CASES)


@pytest.mark.parametrize(
    ("cause", "also", "grade"),
    [
        ("network.dns_failure", [], "right"),
        ("network.offline", [], "another cause"),
        ("provider.overloaded", [], "wrong party"),
        ("unknown.unknown", [], "not known"),
        (None, [], "another cause"),
    ],
)
def test_grades(cause: str | None, also: list[str], grade: str) -> None:
    """A verdict is graded by its cause, its party and what stands beside it."""
    case = next(one for one in CASES if one.name == "the API's name does not exist")
    party = cause.partition(".")[0] if cause else None
    assert judged(case, {"cause": cause, "party": party, "also": also, "evidence": []}) == grade

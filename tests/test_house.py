"""The order of the house: imports go one way, tests mirror the source, and some words stand nowhere."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from seawall.cli.verbs import VERBS

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "seawall"

# Tested by another file than their mirror, or by none of their own; each with the reason.
ELSEWHERE = {
    "causes/cause.py": "tests/causes/test_catalogue.py reads every cause through it",
    "causes/compile.py": "tests/causes/test_catalogue.py proves its index current",
    "causes/evidence.py": "names and one record, without behaviour",
    "causes/lint/blocks.py": "tests/causes/lint/test_check.py: each trouble at its place",
    "causes/lint/fields.py": "tests/causes/lint/test_check.py: each trouble at its place",
    "causes/lint/found.py": "tests/causes/lint/test_check.py: bounds, and no secret in what is shown",
    "causes/lint/text.py": "tests/causes/lint/test_check.py: what is no JSON, with its place",
    "causes/lint/tools.py": "tests/causes/lint/test_check.py: each trouble at its place",
    "causes/lint/turns.py": "tests/causes/lint/test_check.py: each trouble at its place",
    "cli/leaving.py": "tests/cli/test_verbs.py: codes, failures and streams as a verb shows them",
    "cli/serving.py": "tests/cli/test_serve.py",
    "cli/common.py": "tests/cli/test_verbs.py: options, colours, codes and failures as a verb shows them",
    "cli/catalogue.py": "tests/cli/test_explain.py: pages, lists, searches",
    "cli/clipboard.py": "tests/cli/test_explain.py: with tools of its own",
    "cli/many.py": "tests/cli/test_explain.py: lines in, lines out",
    "cli/examine.py": "tests/cli/test_doctor.py: from settings, checks and records to one case",
    "cli/kept_gateway.py": "tests/cli/test_run.py: shared, left, replaced where it dies",
    "cli/process.py": "tests/cli/test_run.py: codes, signals, a terminal of its own",
    "cli/progress.py": "tests/cli/test_drill.py: in a terminal and elsewhere, and ended by a signal",
    "cli/import_.py": "tests/cli/test_import.py: only the module's name must not be Python's own word",
    "cli/reported.py": "tests/cli/test_report.py: what a report starts from, and every bad input",
    "cli/source.py": "tests/cli/test_explain.py: every way a text may come",
    "cli/telemetry.py": "tests/view/test_telemetry.py: a collector at a real gateway",
    "cli/settings.py": "tests/test_docs.py and tests/cli/test_verbs.py run `seawall config`",
    "doctor/advice.py": "tests/view/test_view_doctor.py: each cause's steps as they are printed",
    "doctor/exact.py": "tests/view/test_view_doctor.py: each cause's steps as they are printed",
    "doctor/steps.py": "tests/view/test_view_doctor.py: each cause's steps as they are printed",
    "doctor/case.py": "tests/view/test_view_doctor.py: what is printed of it",
    "doctor/lasting.py": "tests/view/test_view_doctor.py: its sentences as they are printed",
    "doctor/checks/net_tcp4.py": "tests/doctor/test_tcp.py: both kinds of address",
    "doctor/checks/net_tcp6.py": "tests/doctor/test_tcp.py: both kinds of address",
    "fake/answer.py": "tests/fake/test_fake_app.py reads every answer off the wire",
    "fake/connection.py": "tests/fake/test_fake_app.py speaks to it through sockets",
    "fake/pytest_plugin.py": "tests/fake/test_fake_thread.py uses its fixtures",
    "fake/virtual.py": "tests/policy/test_law_in_simulation.py and test_replay.py run on it",
    "gateway/app.py": "tests/gateway/test_rules.py",
    "gateway/call.py": "tests/gateway/test_rules.py: limits, sessions, retries as clients state them",
    "gateway/guard.py": "tests/gateway/test_rules_of_trust.py",
    "gateway/means.py": "one record; tests/gateway/test_exchange.py and test_rules.py use it",
    "http/connection.py": "tests/http/test_pool.py",
    "http/failure.py": "one exception; tests/http/test_dial.py and test_proxy.py raise it",
    "http/reply.py": "tests/http/test_server.py",
    "http/request.py": "tests/http/test_server.py",
    "policy/load.py": "two counts; tests/policy/test_lane.py checks them against a model",
    "store/bursts.py": "records without behaviour; tests/store/test_queries.py and tests/history fill them",
    "store/version.py": "tests/store/test_migrate.py",
    "upstream/messages.py": "tests/gateway/test_rules.py",
    "upstream/passing.py": "tests/gateway/test_rules.py",
    "view/doctor_data.py": "tests/cli/test_doctor.py and tests/test_statements.py: against its schema",
    "view/request.py": "tests/cli/test_request.py: what is printed of a request",
    "view/screen.py": "tests/cli/test_watch.py draws in a terminal of its own",
}

# Written so that this file does not hold them itself.
FORBIDDEN = re.compile(
    r"/[w]ork/|/[r]oot/|regist[r]y\.npmj[s]|py[p]i\.org|pythonhos[t]ed|\bC[E]O\b",
    re.IGNORECASE,
)
UNREAD = {".png", ".ico", ".gz", ".br", ".whl", ".db", ".pyc"}


def project_files() -> list[Path]:
    """What belongs to the project: what git knows, or would take."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: what belongs to the project is not known")
    listed = subprocess.run(
        [git, "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def test_imports_go_one_way() -> None:
    """The contract of the layers in pyproject.toml is kept."""
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_module_has_its_test() -> None:
    """`src/seawall/a/b.py` is tested by `tests/a/test_b.py` (or `test_a_b.py`), or the list above says why not."""
    missing = []
    for module in sorted(SOURCE.rglob("*.py")):
        name = module.relative_to(SOURCE)
        if module.name.startswith("__") or "migrations" in name.parts or str(name) in ELSEWHERE:
            continue
        folder = ROOT / "tests" / name.parent
        mirrors = [folder / f"test_{name.stem}.py", folder / f"test_{name.parent.name}_{name.stem}.py"]
        if not any(mirror.exists() for mirror in mirrors):
            missing.append(str(name))
    assert missing == []


def test_the_list_of_exceptions_is_current() -> None:
    """A module that is gone needs no excuse."""
    assert [name for name in ELSEWHERE if not (SOURCE / name).exists()] == []


@pytest.mark.parametrize("room", ["cli", "doctor"])
def test_a_full_room_has_a_map(room: str) -> None:
    """Its own docstring says what is where; a verb is found by its name."""
    tree = ast.parse((SOURCE / room / "__init__.py").read_text())
    named = set(re.findall(r"`(\w+)`", ast.get_docstring(tree) or ""))
    there = {module.stem for module in (SOURCE / room).glob("[!_]*.py")}
    assert there - set(VERBS) - named == set()
    assert named - there <= {"seawall"}


def test_no_file_names_a_machine_or_a_registry() -> None:
    """Paths of one machine and addresses of package registries help nobody else."""
    found = []
    for path in project_files():
        if path.suffix in UNREAD:
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if FORBIDDEN.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert found == []

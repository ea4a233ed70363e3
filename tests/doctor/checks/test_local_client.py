"""Which Claude Code is there, and what an old one still suffers from."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from doctor_peers import about, program, ran, value

from seawall.doctor.check import Finding, State
from seawall.doctor.checks import local_client
from seawall.doctor.checks.local_client import FIXES, version_of
from seawall.doctor.subject import Subject

NATIVE = "#!/bin/sh\necho '2.1.245 (Claude Code)'\n"


def with_path(tmp_path: Path) -> Subject:
    return replace(about(tmp_path), search_path=f"{tmp_path / 'bin'}:/usr/bin:/bin")


def test_no_client(tmp_path: Path) -> None:
    """An API program needs none: nothing is wrong."""
    assert ran(replace(about(tmp_path), search_path=str(tmp_path)), "local.client").state is State.SKIP


def test_its_version(tmp_path: Path) -> None:
    """As it says it; the native build reads the system's roots."""
    program(tmp_path / "bin" / "claude", NATIVE)
    found = ran(with_path(tmp_path), "local.client")
    assert (found.state, found.summary) == (State.OK, "Claude Code 2.1.245")
    assert found.facts["build"] == "native"
    assert found.facts["reads_system_store"] is True


@pytest.mark.parametrize(("node", "reads"), [("v20.11.0", False), ("v22.15.0", True), ("v24.1.0", True)])
def test_the_build_of_npm_and_its_node(tmp_path: Path, node: str, reads: bool) -> None:
    """Old Node cannot read the system's roots."""
    program(tmp_path / "bin" / "claude", "#!/usr/bin/env node\n")
    program(
        tmp_path / "bin" / "node",
        f'#!/bin/sh\n[ "$1" = --version ] && echo {node} || echo "2.1.20 (Claude)"\n',
    )
    found = ran(with_path(tmp_path), "local.client")
    assert found.summary == f"Claude Code 2.1.20 on Node {node[1:]}"
    assert (found.facts["build"], found.facts["reads_system_store"]) == ("npm", reads)


def test_roots_that_the_client_is_told_to_leave_aside(tmp_path: Path) -> None:
    """CLAUDE_CODE_CERT_STORE without the system's."""
    program(tmp_path / "bin" / "claude", NATIVE)
    one = replace(with_path(tmp_path), variables={"CLAUDE_CODE_CERT_STORE": value("bundled")})
    assert ran(one, "local.client").facts["reads_system_store"] is False


def test_a_client_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two seconds, then the run goes on without it."""
    monkeypatch.setattr(local_client, "SECONDS", 0.2)
    program(tmp_path / "bin" / "claude", "#!/bin/sh\nsleep 600\n")
    found = ran(with_path(tmp_path), "local.client")
    assert found.state is State.WARN
    assert "says nothing in 0.2 s" in found.summary


@pytest.mark.parametrize(
    "script",
    [
        "#!/bin/sh\necho hello\n",
        "#!/bin/sh\nexit 3\n",
        "#!/bin/sh\nhead -c 100000 /dev/zero\n",
        "#!/bin/sh\nprintf '\\377\\376\\033[2J 2.1\\n'\n",
    ],
)
def test_a_client_that_prints_nonsense(tmp_path: Path, script: str) -> None:
    """Said as it is; no version is made up."""
    program(tmp_path / "bin" / "claude", script)
    found = ran(with_path(tmp_path), "local.client")
    assert (found.state, found.facts["version"]) == (State.WARN, None)
    assert found.summary.endswith("--version says no version")


def test_a_client_that_cannot_be_started(tmp_path: Path) -> None:
    """A file of another machine's kind."""
    path = tmp_path / "bin" / "claude"
    program(path, "\x7fELFnot really")
    found = ran(with_path(tmp_path), "local.client")
    assert found.state is State.WARN
    assert "cannot be started" in found.summary


def test_one_beside_the_search_path(tmp_path: Path) -> None:
    """Installers leave it in the home folder."""
    path = program(tmp_path / "home" / ".local" / "bin" / "claude", NATIVE)
    assert path.stat().st_mode & stat.S_IXUSR
    found = ran(replace(about(tmp_path), search_path="/nowhere"), "local.client")
    assert found.facts["path"] == "~/.local/bin/claude"


def test_an_old_client_and_the_symptom_that_was_seen(tmp_path: Path) -> None:
    """Only a symptom that is on record makes its age a cause, and a weak one; a new client has none."""
    program(tmp_path / "bin" / "claude", "#!/bin/sh\necho 2.1.100\n")
    seen = Finding(State.WARN, "", {"causes": {"network.client_timeout": 2}})
    found = ran(with_path(tmp_path), "local.client", seen_recent=seen)
    assert {(one.cause, one.weight.value) for one in found.signs} == {("machine.old_client", "weak")}
    assert "older than 2.1.285" in found.signs[0].text
    assert "waited for ten minutes; a call that is repeated" in found.signs[0].text
    assert not ran(with_path(tmp_path), "local.client").signs
    program(tmp_path / "bin" / "claude", "#!/bin/sh\necho 2.1.329\n")
    assert not ran(with_path(tmp_path), "local.client", seen_recent=seen).signs


def test_the_list_of_fixes() -> None:
    """Every cause is in the catalogue; no symptom stands there twice."""
    from seawall.causes.cause import codes

    assert {cause for fix in FIXES for cause in fix.causes} <= set(codes())
    assert len({fix.symptom for fix in FIXES}) == len(FIXES)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("2.1.245 (Claude Code)", (2, 1, 245)),
        ("v22.15.0\n", (22, 15, 0)),
        ("claude version 3.0.1-beta", (3, 0, 1)),
        ("2.1", None),
        ("1.2.3.4", None),
        ("", None),
        ("9" * 5000 + ".1.1", None),
    ],
)
def test_versions(text: str, version: tuple[int, int, int] | None) -> None:
    """Three numbers, wherever they stand."""
    assert version_of(text) == version


MODULES = Path(__file__).parents[2] / "clients" / "node_modules" / "@anthropic-ai"
REAL = next(iter(sorted(MODULES.glob("claude-code-*/claude"))), None)


@pytest.mark.skipif(REAL is None, reason="the real client is not installed: see tests/clients")
def test_the_real_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Claude Code itself says its version to a caller who gives it no terminal and no settings, and makes no file."""
    home = tmp_path / "home"
    home.mkdir()
    assert REAL is not None
    monkeypatch.setattr(local_client, "SECONDS", 20.0)
    one = replace(about(tmp_path), search_path=f"{REAL.parent}:/usr/bin:/bin", home=home)
    found = ran(one, "local.client")
    assert (found.state, found.facts["build"]) == (State.OK, "native")
    assert version_of(found.summary) >= (2, 1, 300)  # type: ignore[operator]
    assert [path for path in home.rglob("*") if path.is_file()] == []

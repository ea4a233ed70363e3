"""How the clients from npm are brought here, or why not."""

import json
from pathlib import Path

import npm_clients
import pytest

FOLDER = Path(__file__).parent


def test_the_lock_pins_every_package_and_names_no_host() -> None:
    """The same bytes everywhere, from whatever registry a machine has."""
    text = (FOLDER / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    wanted = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    assert "://" not in text
    assert "resolved" not in text
    assert all(about["integrity"].startswith("sha512-") for name, about in packages.items() if name)
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted


def _npm(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A machine where nothing is installed, with these programs."""
    for tool in ("node", "npm"):
        (folder / tool).write_text(f"#!/bin/sh\n{script}\n")
        (folder / tool).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(npm_clients, "STAMP", folder / "stamp")


def test_without_npm_the_reason_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No npm: no error, a sentence."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert npm_clients.install(tmp_path / "failed").startswith("node and npm not found")


def test_a_failing_install_is_tried_once_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason of npm is kept for the other processes, which do not wait for it again."""
    _npm(tmp_path, monkeypatch, f"echo run >> {tmp_path}/runs; echo 'npm error network is away' >&2; exit 1")
    reasons = {npm_clients.install(tmp_path / "failed") for _ in range(3)}
    assert reasons == {"npm ci failed (npm error network is away): the clients from npm were not tried"}
    assert (tmp_path / "runs").read_text() == "run\n"


def test_an_install_is_done_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in place and not older than the lock is not installed again."""
    _npm(tmp_path, monkeypatch, f"echo $* >> {tmp_path}/runs; touch {tmp_path}/stamp")
    assert [npm_clients.install(tmp_path / "failed") for _ in range(3)] == [""] * 3
    assert (tmp_path / "runs").read_text().startswith("ci ")
    assert len((tmp_path / "runs").read_text().splitlines()) == 1

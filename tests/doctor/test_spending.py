"""Tokens are spent only where that was asked for."""

from dataclasses import replace
from pathlib import Path

import pytest
from doctor_peers import KEY, about, value

from seawall.doctor.check import Probe
from seawall.doctor.spending import SMALL, model, refused
from seawall.wire.models import CURRENT


@pytest.mark.parametrize(
    ("named", "asked"),
    [
        ("", SMALL),
        ("opus", CURRENT["opus"]),
        ("claude-x-9[1m]", "claude-x-9"),
        (" Sonnet ", CURRENT["sonnet"]),
    ],
)
def test_which_model(tmp_path: Path, named: str, asked: str) -> None:
    """The one that was named, a family's newest, or a small one."""
    assert model(Probe(replace(about(tmp_path), model=named), {})) == asked


def test_when_not(tmp_path: Path) -> None:
    """Without --spend never; with it only a key of Claude's own form."""
    key = {"ANTHROPIC_API_KEY": value(KEY)}
    assert "--spend" in refused(Probe(replace(about(tmp_path), variables=key), {}))
    assert refused(Probe(replace(about(tmp_path, spend=True), variables=key), {})) == ""
    other = {"ANTHROPIC_API_KEY": value("sk-proj-" + "x" * 60)}
    assert refused(Probe(replace(about(tmp_path, spend=True), variables=other), {})) != ""

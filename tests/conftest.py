"""Fixtures that several folders use."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from own_home import Home


@pytest.fixture
def own_home(tmp_path: Path) -> Iterator[Home]:
    """A home of its own for real `seawall` processes; all of them end with the test."""
    home = Home(tmp_path)
    yield home
    home.end()

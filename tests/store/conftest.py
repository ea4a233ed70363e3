"""A store of the newest schema for each test, and writers that are closed after it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from store_helpers import QUICK, empty_store

from seawall.config import Store
from seawall.store.writer import Writer


@pytest.fixture(scope="session")
def made() -> Path:
    """An empty store of the newest schema, made once."""
    return empty_store()


@pytest.fixture
def path(made: Path, tmp_path: Path) -> Path:
    """A store of this test's own."""
    copy = tmp_path / "seawall.db"
    shutil.copyfile(made, copy)
    return copy


@pytest.fixture
def writer_of() -> Iterator[Callable[..., Writer]]:
    """Makes started writers and closes them when the test ends."""
    writers: list[Writer] = []

    def make(path: Path | str, **options: object) -> Writer:
        options.setdefault("pace", QUICK)
        writer = Writer(Store(path=str(path)), **options)  # type: ignore[arg-type]
        writers.append(writer)
        writer.start()
        return writer

    yield make
    for writer in writers:
        writer.close()

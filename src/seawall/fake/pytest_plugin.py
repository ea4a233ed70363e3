"""Fixtures for anybody's tests. Loaded by every pytest run where Seawall is installed: imports nothing heavy."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from seawall.fake.thread import BackgroundFakeApi


@pytest.fixture
def fake_api() -> "Iterator[BackgroundFakeApi]":
    """A faulty Claude API on a loopback port, fresh for each test: .url, .script("overloaded", "ok"), .requests."""
    from seawall.fake.thread import BackgroundFakeApi

    with BackgroundFakeApi() as api:
        yield api


@pytest.fixture
def fake_api_factory() -> "Iterator[Callable[..., BackgroundFakeApi]]":
    """Starts faulty Claude APIs, such as fake_api_factory("brownout", seed=7), and stops them at the end."""
    from contextlib import ExitStack

    from seawall.fake.thread import BackgroundFakeApi

    with ExitStack() as stack:

        def make(scenario: object = None, **options: object) -> "BackgroundFakeApi":
            return stack.enter_context(BackgroundFakeApi(scenario, **options))  # type: ignore[arg-type]

        yield make

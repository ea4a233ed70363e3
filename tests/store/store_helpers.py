"""What several tests of the store use."""

import atexit
import shutil
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from alembic.command import upgrade
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from seawall.store import migrations
from seawall.store.migrate import migrate
from seawall.store.rows import Attempt
from seawall.store.writer import Pace

QUICK = Pace(gather=0.001, counts_every=0.001, busy=0.01, retry_first=0.005, retry_most=0.02, settle=0.05)
"""The writer's habits, a hundred times faster."""


def until(condition: Callable[[], object]) -> None:
    """Returns when the condition holds; fails the test if it never does."""
    patience = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < patience, "this never came true"
        time.sleep(0.002)


def attempt(number: int = 1, **changed: object) -> Attempt:
    """A failed attempt as the gateway records it."""
    values: dict[str, object] = {
        "at": 1_795_000_000.25,
        "utc_offset": 60,
        "call": "3f2a9c",
        "number": number,
        "route": "api.anthropic.com",
        "family": "opus",
        "status": 529,
        "error_type": "overloaded_error",
        "cause": "provider.overloaded",
        "request_id": "req_011CSHoEeqs5C35K2UUqR7Fy",
        "took": 0.5,
        "held": 12.25,
        "ended": "retried",
        "client": "claude-cli/2.1.59",
    }
    return Attempt(**{**values, **changed})  # type: ignore[arg-type]


@cache
def empty_store() -> Path:
    """An empty store of the newest schema, made once, to be copied: a migration takes longer than most tests."""
    path = Path(mkdtemp()) / "made.db"
    atexit.register(shutil.rmtree, path.parent, True)
    path.touch()
    migrate(str(path))
    return path


def made_at(path: Path, revision: str) -> None:
    """Makes a store as an earlier version left it."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with create_engine(f"sqlite:///{path}", poolclass=NullPool).begin() as connection:
        settings.attributes["connection"] = connection
        upgrade(settings, revision)

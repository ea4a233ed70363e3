"""One's own recent failures, from the record."""

import time
from pathlib import Path

import pytest
from doctor_peers import about, ran
from store_helpers import QUICK, attempt

from seawall.config import Store
from seawall.doctor.check import State
from seawall.doctor.checks.seen_recent import signs_of
from seawall.store.writer import Writer

NOW = 1_795_000_100.0


def test_refusals_of_the_api_itself_are_decisive() -> None:
    """A status with a request id is the service's own word; how many, when and which stands beside it."""
    (sign,) = signs_of([attempt(n, at=NOW - n) for n in range(3)])
    assert (sign.cause, sign.weight.value) == ("provider.overloaded", "decisive")
    assert sign.text.startswith("3 calls failed with 529 from the API itself, the last at ")
    assert sign.title == "the API is overloaded (529) for opus"
    assert sign.at == NOW
    assert {name: sign.facts[name] for name in ("n", "status", "who")} == {
        "n": 3,
        "status": 529,
        "who": "api",
    }


@pytest.mark.parametrize(
    ("changed", "weight"),
    [
        ({}, "decisive"),
        ({"request_id": None}, "strong"),
        ({"status": None, "cause": "network.connection_reset", "request_id": None}, "strong"),
    ],
)
def test_what_is_less_sure_weighs_less(changed: dict[str, object], weight: str) -> None:
    """A step where the API did not say it; the verdict takes one for age."""
    (sign,) = signs_of([attempt(**{"at": NOW, **changed})])
    assert sign.weight.value == weight


def test_what_ended_in_success_is_over() -> None:
    """A later answer for the same model clears its failures; one for another model does not."""
    failed = attempt(at=NOW - 60)
    assert signs_of([failed, attempt(at=NOW - 5, cause=None, status=200)]) == []
    first, second = signs_of([failed, attempt(at=NOW - 5, cause=None, family="haiku")])
    assert first.cause == second.cause == "provider.overloaded"
    assert second.text == "haiku succeed meanwhile"


def test_no_record_is_no_failure(tmp_path: Path) -> None:
    """Nothing is made either."""
    assert ran(about(tmp_path), "seen.recent").state is State.SKIP
    assert list(tmp_path.iterdir()) == []


def test_a_record_that_cannot_be_read_is_not_known(tmp_path: Path) -> None:
    """The others go on."""
    (tmp_path / "seawall.db").write_bytes(b"not a database" * 100)
    assert ran(about(tmp_path), "seen.recent").state is State.UNKNOWN


def test_the_record_is_read(tmp_path: Path) -> None:
    """Rows of the last 15 minutes, as the gateway writes them."""
    writer = Writer(Store(path=str(tmp_path / "seawall.db")), pace=QUICK)
    writer.start()
    writer.put(attempt(at=time.time() - 30))
    at = time.time() - 20
    writer.put(attempt(2, at=at, cause=None, status=200, family="haiku"))
    writer.close()
    found = ran(about(tmp_path), "seen.recent")
    assert found.state is State.WARN
    assert found.facts["failed"] == 1
    assert found.facts["answered"] == {"haiku": pytest.approx(at)}

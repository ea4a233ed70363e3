"""One's own recent failures, from the record."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from doctor_peers import about, keep, ran
from store_helpers import QUICK, attempt

from seawall.config import Store
from seawall.doctor.answering import recoveries
from seawall.doctor.check import Sign, State
from seawall.doctor.checks.seen_recent import signs_of as judged
from seawall.store.rows import Attempt
from seawall.store.writer import Writer

NOW = 1_795_000_100.0
API = "https://api.anthropic.com"


def signs_of(
    rows: Sequence[Attempt], gateways: Sequence[Mapping[str, Any]] = (), now: float = NOW
) -> list[Sign]:
    """What they speak for."""
    return judged(rows, gateways, now)[0]


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
    assert second.text == "haiku succeeds meanwhile"


def test_what_a_plain_success_has_ended_is_over() -> None:
    """Successes are not on record one by one: the gateway's word that a trouble ended counts as one."""
    failed = attempt(at=NOW - 60)
    told = {"route": failed.route, "family": failed.family, "recovered_at": NOW - 5}
    nonsense = [{"troubles": 7}, {"troubles": [{"recovered_at": "x"}, {"recovered_at": float("nan")}]}]
    assert recoveries(nonsense) == {}
    assert signs_of([failed], [{"troubles": [told]}, *nonsense]) == []
    assert signs_of([attempt(at=NOW - 1)], [{"troubles": [told]}]) != [], "failures came after it"
    for other in ({"family": "haiku"}, {"recovered_at": None}):
        ended = [{"troubles": [told, told | other]}, {"troubles": [told | other]}]
        assert (signs_of([failed], ended) == []) is ("family" in other)
    assert signs_of([failed], [{"troubles": [told | {"family": "haiku"}]}]) != []


def counted(**models: tuple[int, int]) -> dict[str, object]:
    """A running gateway's word on the last three minutes: succeeded and tried, by model family."""
    rows = [{"family": name, "succeeded": good, "tried": tried} for name, (good, tried) in models.items()]
    return {"address": "http://127.0.0.1:8787", "pid": 7, "recent": {"span": 180, "models": rows}}


def since(age: float, family: str = "opus", **changed: object) -> dict[str, object]:
    """Its word on a trouble that goes on for so many seconds."""
    one = {
        "route": "api.anthropic.com",
        "family": family,
        "cause": "provider.overloaded",
        "recovered_at": None,
    }
    return {"troubles": [one | {"since": NOW - age, "last": NOW - 1} | changed]}


def test_the_share_that_a_gateway_has_counted() -> None:
    """How many of how many, and who answers meanwhile: the gateway counts those too that are not on record yet."""
    rows = [attempt(n, at=NOW - n) for n in range(12)]
    said = [counted(opus=(0, 14), sonnet=(4, 4), haiku=(2, 2), fable=(1, 9)) | since(190)]
    first, second = signs_of(rows, said)
    clock = time.strftime("%H:%M:%S", time.localtime(NOW))
    assert (
        first.text == f"14 of 14 answers in 3 min were 529 from the API itself (last req_011C…7Fy at {clock})"
    )
    assert first.facts["request_id"] == "req_011CSHoEeqs5C35K2UUqR7Fy"
    assert second.text == "haiku and sonnet succeed: 6 of 6 in the last 3 min"
    assert (first.weight.value, second.weight.value) == ("decisive", "strong")


def test_a_share_of_one_kind_among_several() -> None:
    """Where a model fails in several ways, each is counted by the record; what gave no answer is no answer."""
    reset = {"status": None, "cause": "network.connection_reset", "request_id": None}
    rows = [attempt(at=NOW), attempt(at=NOW - 1), attempt(at=NOW - 2, **reset)]
    texts = [one.text for one in signs_of(rows, [counted(opus=(5, 8))])]
    assert texts[0].startswith("2 of 8 attempts in 3 min were 529 from the API itself (last req_011C")
    assert texts[1].startswith("1 of 8 attempts in 3 min failed with ")
    assert len(texts) == 2


@pytest.mark.parametrize(
    "gateways",
    [
        [],
        [{"answers": False}],
        [{"recent": None}, {"recent": {"span": "x", "models": 7}}, {"recent": {"span": float("nan")}}],
        [counted()],
        [counted(haiku=(0, 3))],
        [counted(opus=(14, 14))],
        [counted(opus=(9, -1))],
    ],
)
def test_without_a_count_there_is_no_share(gateways: list[dict[str, object]]) -> None:
    """No gateway, one that says nonsense, or one that has not seen what is on record: as without any."""
    rows = [attempt(n, at=NOW - n) for n in range(3)]
    assert signs_of(rows, gateways) == signs_of(rows)


def test_a_share_is_of_the_last_minutes_only() -> None:
    """What failed before them is told without."""
    rows = [attempt(at=NOW - 300)]
    assert signs_of(rows, [counted(opus=(0, 2))]) == signs_of(rows)


def test_several_gateways_are_counted_together() -> None:
    """They are one user's."""
    said = [counted(opus=(0, 2)), {"answers": False}, counted(opus=(1, 3))]
    assert signs_of([attempt(at=NOW)], said)[0].text.startswith("4 of 5 answers in 3 min were 529")


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
    found = ran(about(tmp_path, API), "seen.recent")
    assert found.state is State.WARN
    assert found.facts["failed"] == 1
    assert found.facts["answering"] == {"haiku": pytest.approx(at)}
    assert found.signs[0].text.startswith("1 call failed with 529")
    found = ran(about(tmp_path, API, gateways=(counted(opus=(0, 1)),)), "seen.recent")
    assert found.signs[0].text.startswith("1 of 1 answers in 3 min was 529")


def test_calls_that_were_given_up_in_line_do_not_hide_an_answer() -> None:
    """They have the cause that they waited for and no answer of their own: what the API said last is the evidence."""
    answered = attempt(at=NOW - 20)
    waited = [
        attempt(n, at=NOW - n, status=None, request_id=None, error_type=None, ended="given_up", held=0.0)
        for n in range(1, 4)
    ]
    (sign,) = signs_of([*waited, answered])
    assert (sign.weight.value, sign.at, sign.facts["who"]) == ("decisive", NOW - 20, "api")
    assert sign.text.startswith("1 call failed with 529 from the API itself")
    (alone,) = signs_of(waited)
    assert alone.text.startswith("3 calls failed with the API is at capacity")


def test_two_upstreams_are_two(tmp_path: Path) -> None:
    """A model that answers at another does not clear its failures here, and failures there are none of this one's."""
    now = time.time()
    keep(
        tmp_path,
        attempt(at=now - 30),
        attempt(2, at=now - 20, cause=None, status=200, route="llm.example"),
        attempt(3, at=now - 10, family="haiku", route="llm.example", cause="provider.internal_server_error"),
    )
    found = ran(about(tmp_path, API), "seen.recent")
    assert [(one.cause, one.direction.value) for one in found.signs] == [
        ("provider.overloaded", "for"),
        ("*", "neutral"),
    ]
    assert found.signs[1].text == "1 failed at llm.example, another upstream than this"
    away = ran(about(tmp_path, "https://third.example"), "seen.recent")
    assert (away.state, away.signs) == (State.SKIP, ())
    assert away.summary == (
        "no call to third.example of the last 15 min is on record; "
        "2 failed at llm.example and 1 more, another upstream than this"
    )


def troubled(**changed: object) -> dict[str, object]:
    """A gateway in trouble with opus, that has counted 14 failures."""
    one = {"route": "api.anthropic.com", "family": "opus", "cause": "provider.overloaded", "failures": 14}
    times = {"since": time.time() - 190, "last": time.time() - 5, "recovered_at": None}
    return counted(opus=(0, 14), haiku=(6, 6)) | {"troubles": [one | times | changed]}


@pytest.mark.parametrize("broken", [False, True])
def test_the_share_stands_there_without_a_record(tmp_path: Path, broken: bool) -> None:
    """Where a gateway cannot write its records, or they cannot be read, its own counts are the evidence."""
    if broken:
        (tmp_path / "seawall.db").write_bytes(b"not a database" * 100)
    found = ran(about(tmp_path, API, gateways=(troubled(),)), "seen.recent")
    assert found.state is State.WARN
    assert [(one.cause, one.text, one.weight.value) for one in found.signs] == [
        ("provider.overloaded", "14 of 14 attempts in 3 min failed: the API is at capacity", "strong"),
        ("provider.overloaded", "haiku succeeds: 6 of 6 in the last 3 min", "strong"),
    ]


@pytest.mark.parametrize(
    "changed",
    [
        {"recovered_at": time.time()},
        {"last": time.time() - 400},
        {"last": "x"},
        {"cause": "no.such"},
        {"cause": ["provider.overloaded"]},
        {"cause": "unknown.unknown"},
        {"family": "haiku"},
        {"family": None},
    ],
)
def test_trouble_that_is_over_or_nonsense_is_no_evidence(tmp_path: Path, changed: dict[str, object]) -> None:
    """Only what goes on, of a model whose failures were counted."""
    assert ran(about(tmp_path, API, gateways=(troubled(**changed),)), "seen.recent").state is State.SKIP


def test_what_is_on_record_is_not_told_twice(tmp_path: Path) -> None:
    """The record says more: the status, who said it, the request."""
    keep(tmp_path, attempt(at=time.time() - 30))
    found = ran(about(tmp_path, API, gateways=(troubled(),)), "seen.recent")
    first, second = found.signs
    assert first.text.startswith(
        "14 of 14 answers in 3 min were 529 from the API itself (last req_011C…7Fy at "
    )
    assert second.text == "haiku succeeds: 6 of 6 in the last 3 min"


FAMILIES = ("haiku", "opus", "sonnet")


def outage(age: float, *families: str, **more: object) -> dict[str, object]:
    """A gateway whose models all failed for so long, after each had answered 27 of 37 in its last three minutes."""
    troubles = [one for family in families for one in since(age, family)["troubles"]]  # type: ignore[attr-defined]
    return (
        counted(**dict.fromkeys(FAMILIES, (27, 37)))
        | {"troubles": troubles, "succeeded_at": NOW - age - 1}
        | more
    )


def test_an_outage_of_all_models() -> None:
    """None of them succeeds, whatever it did before; the headline names all, and each line its own."""
    rows = [attempt(n, at=NOW - n, family=family) for family in FAMILIES for n in range(10)]
    found, fine = judged(rows, [outage(15, *FAMILIES)], NOW)
    assert fine == {}
    assert {one.title for one in found} == {"the API is overloaded (529) for haiku, opus, sonnet"}
    assert [one.text.partition(" were")[0] for one in found] == [
        f"{family}: 10 of 37 answers in 3 min" for family in ("haiku", "opus", "sonnet")
    ]


def test_an_outage_of_all_models_that_is_not_on_record() -> None:
    """As where the store cannot be written: the same."""
    found, fine = judged([], [outage(15, *FAMILIES)], NOW)
    assert fine == {}
    assert {one.title for one in found} == {"the API is overloaded (529) for haiku, opus, sonnet"}
    assert found[0].text == "haiku: 10 of 37 attempts in 3 min failed: the API is at capacity"


@pytest.mark.parametrize(
    ("gateway", "rows", "fine"),
    [
        # A success before the trouble began says nothing, and the counts of three minutes do not tell when it was.
        (outage(15, "opus", "sonnet"), {}, {}),
        (counted(opus=(9, 14), haiku=(6, 6), sonnet=(3, 3)) | since(60) | {"succeeded_at": NOW - 2}, {}, {}),
        # The last success of all came after it, and only one model can have had it.
        (counted(opus=(9, 14), haiku=(6, 6)) | since(60) | {"succeeded_at": NOW - 2}, {}, {"haiku": NOW - 2}),
        (counted(opus=(9, 14), haiku=(6, 6)) | since(60) | {"succeeded_at": NOW - 61}, {}, {}),
        # Older than what is counted: whatever was counted came after it.
        (counted(opus=(0, 14), haiku=(6, 6)) | since(200), {}, {"haiku": None}),
        (counted(opus=(0, 14), haiku=(6, 7)) | since(200), {}, {}),
        (counted(opus=(0, 14), haiku=(6, 6)) | since(200), {"haiku": NOW - 400}, {"haiku": None}),
        (counted(opus=(0, 14), haiku=(6, 6)) | since(200), {"haiku": NOW - 4}, {}),
    ],
)
def test_who_answers_meanwhile(
    gateway: dict[str, object], rows: dict[str, float], fine: dict[str, float | None]
) -> None:
    """Only who succeeded after the trouble began and did not fail since."""
    failed = [attempt(at=NOW - 1), *(attempt(at=at, family=name) for name, at in rows.items())]
    assert judged(failed, [gateway], NOW)[1] == fine


def test_one_that_came_back_answers_until_it_fails_again() -> None:
    """The gateway tells when a trouble ended; a failure after that takes it away."""
    [opus] = since(60)["troubles"]  # type: ignore[misc]
    [haiku] = since(50, "haiku", recovered_at=NOW - 9)["troubles"]  # type: ignore[misc]
    gateway = counted(opus=(0, 14), haiku=(2, 9)) | {"troubles": [opus, haiku]}
    found, fine = judged([attempt(at=NOW - 1)], [gateway], NOW)
    assert fine == {"haiku": NOW - 9}
    assert [one.title for one in found] == ["the API is overloaded (529) for opus"]
    assert judged([attempt(at=NOW - 1), attempt(at=NOW - 3, family="haiku")], [gateway], NOW)[1] == {}


def test_a_failure_that_only_counts_show_to_be_over() -> None:
    """The gateway has forgotten that trouble: no failure in three minutes, and successes, are its end."""
    rows = [attempt(at=NOW - 1), attempt(at=NOW - 400, family="haiku")]
    gateway = counted(opus=(0, 14), haiku=(6, 6)) | since(200)
    found = signs_of(rows, [gateway])
    assert [one.title for one in found if one.title] == ["the API is overloaded (529) for opus"]
    assert found[1].text == "haiku succeeds: 6 of 6 in the last 3 min"
    assert len(signs_of(rows)) == 2, "without a gateway nothing says so"

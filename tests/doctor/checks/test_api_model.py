"""One token from a model, against the fake API."""

from dataclasses import replace
from pathlib import Path

from doctor_peers import KEY, about, answer, host, ran

from seawall.doctor.check import Finding, State
from seawall.doctor.spending import SMALL
from seawall.doctor.subject import Subject
from seawall.fake.thread import BackgroundFakeApi


def asking(tmp_path: Path, url: str, *, spend: bool = True) -> Subject:
    return about(tmp_path, url, environ={"ANTHROPIC_API_KEY": KEY}, spend=spend)


def test_nothing_is_spent_unasked(tmp_path: Path) -> None:
    """No request comes."""
    with BackgroundFakeApi() as api:
        found = ran(asking(tmp_path, api.url, spend=False), "api.model")
        assert api.requests == []
    assert (found.state, found.summary) == (State.SKIP, "costs tokens: only with --spend")


def test_a_model_that_answers(tmp_path: Path) -> None:
    """One token of it, from the model that was named."""
    with BackgroundFakeApi() as api:
        one = replace(asking(tmp_path, api.url), model="opus")
        found = ran(one, "api.model")
        (seen,) = api.requests
    assert (found.state, found.facts["model"]) == (State.OK, "claude-opus-5-5")
    assert (seen.target, b'"max_tokens": 1,' in seen.body) == ("/v1/messages", True)
    assert seen.header("x-api-key") == KEY


def test_a_model_that_is_full(tmp_path: Path) -> None:
    """Its own refusal is decisive; where others were answered, it is that model's capacity."""
    with BackgroundFakeApi() as api:
        api.script("status code=529", "status code=529")
        found = ran(asking(tmp_path, api.url), "api.model")
        others = ran(
            asking(tmp_path, api.url),
            "api.model",
            seen_recent=Finding(State.WARN, "", {"answering": {"haiku": None, "sonnet": 7.0}}),
        )
    assert [(one.cause, one.weight.value) for one in found.signs] == [("provider.overloaded", "decisive")]
    assert others.signs[1].cause == "provider.model_capacity"
    assert others.signs[1].text == f"{SMALL} is refused, while sonnet answers"


def test_a_page_is_no_answer(tmp_path: Path) -> None:
    """200 with HTML comes from something on the way."""
    with host(answer(200, b"<html>welcome</html>", content_type="text/html")) as page:
        found = ran(asking(tmp_path, page.url), "api.model")
    assert found.state is State.FAIL
    assert found.signs[0].cause == "network.captive_portal"

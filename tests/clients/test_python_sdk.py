"""The `anthropic` Python SDK through Seawall, against the faulty API."""

import pytest
import python_sdk
import sdk_checks
from client_cases import BROKEN_STREAM, FINAL, GIVEN_UP, WHOLE, WITH_A_TOOL, Case, named
from client_setup import SONNET
from sdk_checks import Sdk, Start

from seawall.fake.scenario import Rule

SDK = Sdk(tuple(python_sdk.NOT_STREAMED), tuple(python_sdk.STREAMED), python_sdk.call, "APIStatusError")


@pytest.mark.parametrize("case", [*WHOLE, *WITH_A_TOOL], ids=named)
def test_the_whole_answer_comes_and_the_sdk_never_retries(case: Case, start: Start) -> None:
    """A failure before content costs the program nothing: one call, one whole answer."""
    sdk_checks.check_whole(SDK, case, start)


@pytest.mark.parametrize("case", BROKEN_STREAM, ids=named)
def test_a_stream_that_breaks_in_its_content_raises_and_is_not_replayed(case: Case, start: Start) -> None:
    """Half an answer is an exception in every way of reading it, and the API was asked once."""
    sdk_checks.check_broken_stream(SDK, case, start)


@pytest.mark.parametrize("case", GIVEN_UP, ids=named)
def test_giving_up_is_an_exception(case: Case, start: Start) -> None:
    """Where Seawall gives up the program is told, whether its answer was opened or not."""
    sdk_checks.check_given_up(SDK, case, start)


@pytest.mark.parametrize("case", FINAL, ids=named)
def test_a_final_answer_is_the_same_as_without_seawall(case: Case, start: Start) -> None:
    """Refusals that waiting cannot change arrive at once: same class, status, text and count of requests."""
    sdk_checks.check_final(SDK, case, start)


@pytest.mark.parametrize("fault", ["ok", "reset", "close"])
def test_counting_and_models_get_one_quick_second_try(fault: str, start: Start) -> None:
    """Calls that are never held survive one broken connection all the same."""
    setup = start(Case("beside", ()), rules=(Rule(do=fault, path="/v1/m*", attempts=(1,)),))
    with python_sdk.client({"base_url": setup.url, "max_retries": 0}) as sdk:
        counted = sdk.messages.count_tokens(model=SONNET, messages=[{"role": "user", "content": "How many?"}])
        models = [model.id for model in sdk.models.list()]
    assert counted.input_tokens > 0
    assert SONNET in models

"""The `@anthropic-ai/sdk` from npm, under node, through Seawall against the faulty API."""

import pytest
import sdk_checks
from client_cases import BROKEN_STREAM, FINAL, GIVEN_UP, WHOLE, WITH_A_TOOL, Case, named
from js_sdk import Node
from sdk_checks import Sdk, Start


@pytest.fixture
def sdk(node: Node) -> Sdk:
    """The SDK, ready to call."""
    return Sdk(("create",), ("helper", "raw"), node.call, "APIError")


@pytest.mark.parametrize("case", [*WHOLE, *WITH_A_TOOL], ids=named)
def test_the_whole_answer_comes_and_the_sdk_never_retries(sdk: Sdk, case: Case, start: Start) -> None:
    """A failure before content costs the program nothing: one call, one whole answer."""
    sdk_checks.check_whole(sdk, case, start)


@pytest.mark.parametrize("case", BROKEN_STREAM, ids=named)
def test_a_stream_that_breaks_in_its_content_rejects_and_is_not_replayed(
    sdk: Sdk, case: Case, start: Start
) -> None:
    """Half an answer is an error in every way of reading it, and the API was asked once."""
    sdk_checks.check_broken_stream(sdk, case, start)


@pytest.mark.parametrize("case", GIVEN_UP, ids=named)
def test_giving_up_is_an_error(sdk: Sdk, case: Case, start: Start) -> None:
    """Where Seawall gives up the program is told, whether its answer was opened or not."""
    sdk_checks.check_given_up(sdk, case, start)


@pytest.mark.parametrize("case", FINAL, ids=named)
def test_a_final_answer_is_the_same_as_without_seawall(sdk: Sdk, case: Case, start: Start) -> None:
    """Refusals that waiting cannot change arrive at once: same class, status, text and count of requests."""
    sdk_checks.check_final(sdk, case, start)

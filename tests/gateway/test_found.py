"""What real clients found."""

import asyncio

import pytest
from ground import check_whole, ground, question

from seawall.causes.evidence import Body, Evidence, Phase
from seawall.fake.scenario import Rule, Scenario
from seawall.policy.outcome import is_ambiguous


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens", "/v1/models"])
def test_a_100_of_the_upstream_goes_no_further(path: str) -> None:
    """A client that did not ask for `100 Continue` is not sent one (node's fetch drops the connection)."""

    async def run() -> None:
        rule = Rule(do="interim code=100 + interim code=103", path=path)
        async with ground(scenario=Scenario(rules=(rule,))) as g:
            method = "GET" if path == "/v1/models" else "POST"
            answer = await g.ask(b"" if method == "GET" else question(), method=method, path=path)
            assert (answer.status, answer.interims) == (200, [103])

    asyncio.run(run())


def test_an_error_object_is_a_verdict_whatever_the_status() -> None:
    """200 with an error body said that nothing was done: it is replayed like the 529 that it means."""
    told = Evidence(Phase.BODY, status=200, body=Body.JSON, error_type="overloaded_error")
    assert not is_ambiguous(told)

    async def run() -> None:
        async with ground(*["error-event"] * 4) as g:
            check_whole(await g.ask(question(stream=False)))
            assert g.sent() == 5

    asyncio.run(run())

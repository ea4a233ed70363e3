"""What is asked of an SDK, whichever it is: every way of calling it at once, each with a gateway of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from client_cases import Case
from client_setup import Outcome, Setup

Start = Callable[..., Setup]


@dataclass(frozen=True, slots=True)
class Sdk:
    """An SDK: the names of the ways to call it, and how it is done."""

    not_streamed: tuple[str, ...]
    streamed: tuple[str, ...]
    call: Callable[..., Outcome]
    """`call(way, url, prompt, limit=..., retries=...)`; `retries` None leaves the SDK its default."""
    broken: str
    """The SDK's own class for a stream that told an error."""

    def ways(self, streamed: bool | None) -> tuple[str, ...]:
        """The ways that are streamed, those that are not, or all."""
        return {True: self.streamed, False: self.not_streamed}.get(
            streamed, self.not_streamed + self.streamed
        )


@dataclass(frozen=True, slots=True)
class Ended:
    """One call that has ended, and its surroundings."""

    setup: Setup
    prompt: str
    outcome: Outcome


def calls(
    sdk: Sdk, case: Case, ways: tuple[str, ...], start: Start, *, retries: int | None, always: bool = False
) -> dict[str, Ended]:
    """How the same call ended in each way."""

    def one(way: str, setup: Setup) -> Ended:
        prompt = case.prompt(way)
        return Ended(setup, prompt, sdk.call(way, setup.url, prompt, limit=case.limit, retries=retries))

    setups = [start(case, always=always) for _ in ways]
    with ThreadPoolExecutor(len(ways)) as pool:
        return dict(zip(ways, pool.map(one, ways, setups), strict=True))


def check_whole(sdk: Sdk, case: Case, start: Start) -> None:
    """The whole answer, and the SDK did not even notice that there was something to retry."""
    ways = sdk.ways(case.streamed)
    ended = calls(sdk, case, ways, start, retries=None)
    assert {way: end.outcome.wrong(end.prompt) for way, end in ended.items()} == dict.fromkeys(ways)
    assert {way: end.setup.calls for way, end in ended.items()} == dict.fromkeys(ways, 1)


def check_broken_stream(sdk: Sdk, case: Case, start: Start) -> None:
    """An exception in every way of reading the stream, and the API was asked once."""
    ended = calls(sdk, case, sdk.streamed, start, retries=None)
    errors = {way: end.outcome.error for way, end in ended.items()}
    assert all(errors.values()), errors
    # Bad JSON is for the SDK itself to find; everything else is an error event by the time it gets there.
    assert "bad-json" in case.name or errors == dict.fromkeys(sdk.streamed, sdk.broken)
    assert {way: len(end.setup.attempts) for way, end in ended.items()} == dict.fromkeys(sdk.streamed, 1)


def check_given_up(sdk: Sdk, case: Case, start: Start) -> None:
    """An exception, whether the answer was opened or not."""
    ended = calls(sdk, case, sdk.ways(case.streamed), start, retries=0)
    assert [way for way, end in ended.items() if not end.outcome.error] == []


def check_final(sdk: Sdk, case: Case, start: Start) -> None:
    """The same class, status and text as without Seawall, and the API was asked as often."""
    for way, end in calls(sdk, case, sdk.ways(None), start, retries=0, always=True).items():
        through = len(end.setup.attempts)
        direct = sdk.call(way, end.setup.fake.url, end.prompt, limit=case.limit, retries=0)
        assert (end.outcome.error, end.outcome.status) == (direct.error, direct.status)
        assert _without_id(end.outcome.message) == _without_id(direct.message)
        assert len(end.setup.attempts) - through == through == 1


def _without_id(message: str) -> str:
    """The request's id, which comes last, is another each time."""
    return message.partition("request_id")[0]

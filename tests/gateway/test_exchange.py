"""A first attempt made at once, and what becomes of its call when it ends, fails or is stopped. The rules themselves, a
whole call each, are in `test_rules.py`."""

import asyncio
import calendar
from collections.abc import Coroutine
from typing import Any

import pytest
from ground import Ground, check_whole, ground, hold, question, send, until

from seawall.causes.evidence import Fault
from seawall.config import Gateway
from seawall.http.head import AnswerHead, read_answer
from seawall.http.reply import Reply
from seawall.upstream.messages import Attempt, Failure
from seawall.wire import request as wire

SESSION = {"x-claude-code-session-id": "s1"}


def tasks() -> set[str]:
    """What carries calls now."""
    return {task.get_coro().__qualname__ for task in asyncio.all_tasks()} & {"Exchange.carry"}  # type: ignore[union-attr]


@pytest.mark.parametrize("warm", [True, False])
def test_a_task_only_while_something_is_waited_for(warm: bool) -> None:
    """While its answer comes a call has none, whether its connection was there or had to be made; held it has one."""

    async def run() -> None:
        async with ground("hang at=in-block", warm=warm, concurrency=1) as g:
            first = asyncio.create_task(g.ask())
            await until(lambda: g.sent() == 1)
            await until(lambda: not tasks())
            second = asyncio.create_task(g.ask())
            await until(lambda: g.gateway.status()["queued"] == 1)
            assert tasks() == {"Exchange.carry"}
            first.cancel()
            check_whole(await second)
            g.at_rest()

    asyncio.run(run())


@pytest.mark.parametrize(
    "fault", ["overloaded", "reset at=before-headers", "close", "error-event at=before-content"]
)
def test_a_failed_first_attempt_is_carried_on(fault: str) -> None:
    """It is tried again like any other, and counted."""

    async def run() -> None:
        async with ground(fault) as g:
            answer = await g.ask()
            check_whole(answer)
            assert answer.headers["x-seawall-attempts"] == "2"
            assert [row.ended for row in g.attempts] == ["retried", "recovered"]
            g.at_rest()

    asyncio.run(run())


def test_a_client_that_leaves_during_the_first_attempt() -> None:
    """The upstream is told, the place is kept for its return, nothing is held any more."""

    async def run() -> None:
        async with ground("hang at=before-headers") as g:
            _, writer = await asyncio.open_connection("127.0.0.1", g.port)
            await send(writer, g.port, question(), headers=SESSION)
            await until(lambda: g.sent() == 1)
            writer.close()
            await until(lambda: not g.gateway._exchanges)
            assert g.gateway._places.any_left
            g.at_rest()
            check_whole(await g.ask(headers=SESSION))
            assert not g.gateway._places.any_left

    asyncio.run(run())


def lost_at_once(g: Ground, then: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `then` happen between the end of a first attempt and the beginning of the task that carries its call on."""
    carry_on = Reply.carry_on

    def carried_on(reply: Reply, carrying: Coroutine[None, None, None]) -> None:
        carry_on(reply, carrying)
        then(reply)

    monkeypatch.setattr(Reply, "carry_on", carried_on)


def test_a_client_that_leaves_before_the_task_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its place is kept; neither memory nor a permit is lost with a task that had nothing done yet."""

    async def run() -> None:
        async with ground("overloaded") as g:
            lost_at_once(g, lambda reply: reply._connection.transport.abort(), monkeypatch)
            lost_at_once(g, lambda reply: reply._connection.connection_lost(None), monkeypatch)
            _, writer = await asyncio.open_connection("127.0.0.1", g.port)
            await send(writer, g.port, question(), headers=SESSION)
            await until(lambda: g.sent() == 1)
            await until(lambda: not g.gateway._exchanges)
            assert g.gateway._places.any_left
            g.at_rest()
            writer.close()

    asyncio.run(run())


def test_a_call_that_is_given_up_before_its_task_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told so, as if the task had begun."""

    async def run() -> None:
        async with ground("overloaded") as g:

            def interrupt(_: Reply) -> None:
                (exchange,) = g.gateway._exchanges
                exchange.interrupt("it is stopping")

            lost_at_once(g, interrupt, monkeypatch)
            answer = await g.ask()
            assert answer.status == 503
            assert "it is stopping" in answer.error["message"]
            assert [row.ended for row in g.attempts] == ["given_up"]
            g.at_rest()

    asyncio.run(run())


def test_a_client_that_goes_at_its_own_limit_leaves_nothing_behind() -> None:
    """An upstream that says nothing at all: the first attempt has all the time that its client gives it."""

    async def run() -> None:
        async with ground("hang at=before-headers", hold=hold(deadline_share=0.05)) as g:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await g.ask(headers={"x-stainless-timeout": "0.5"})
            while not g.fake.requests[0].client_gone:
                await asyncio.sleep(0.01)
            assert g.sent() == 1
            g.at_rest()

    asyncio.run(run())


def test_a_fault_of_ours_at_its_beginning_costs_one_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client is told whose fault it is, what was held for the call is given back, and the next call goes."""

    async def run() -> None:
        async with ground() as g:
            seen: list[Any] = []
            asyncio.get_running_loop().set_exception_handler(
                lambda _, context: seen.append(context["exception"])
            )
            with monkeypatch.context() as broken:
                broken.setattr("seawall.policy.lane.Lane.at_once", None)
                answer = await g.ask()
            assert (answer.status, answer.error["type"]) == (503, "api_error")
            assert [type(error) for error in seen] == [TypeError]
            g.at_rest()
            check_whole(await g.ask())

    asyncio.run(run())


def test_a_fault_of_ours_at_its_end_costs_one_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is reported, the connection closes, and nothing stays behind."""

    async def run() -> None:
        async with ground() as g:
            seen: list[Any] = []
            asyncio.get_running_loop().set_exception_handler(
                lambda _, context: seen.append(context["exception"])
            )
            monkeypatch.setattr("seawall.gateway.records.Records.succeed", None)
            answer = await g.ask()
            assert not answer.whole
            assert [type(error) for error in seen] == [TypeError]
            g.at_rest()

    asyncio.run(run())


class Heard:
    """Remembers how an attempt ended."""

    failure: Failure | None = None

    def heard(self, head: AnswerHead) -> None: ...
    def committed(self) -> None: ...
    def ended(self, failure: Failure | None) -> None:
        self.failure = failure


def test_a_date_to_wait_for_counts_from_the_answer() -> None:
    """Not from when the request was sent: an upstream may think for minutes before it says 503."""
    now, heard = [calendar.timegm((2026, 11, 21, 12, 0, 0))], Heard()
    facts = wire.read(b'{"model": "claude-sonnet-4-5", "stream": true}', 46)
    attempt = Attempt(None, heard, facts, 600.0, Gateway(), lambda: now[0])  # type: ignore[arg-type]
    now[0] += 60
    date = b"retry-after: Sat, 21 Nov 2026 12:01:30 GMT"
    attempt.head(read_answer(b"HTTP/1.1 503 Busy\r\n" + date + b"\r\ncontent-length: 0\r\n\r\n", b"POST"))
    attempt.end()
    assert heard.failure is not None
    assert heard.failure.evidence.retry_after == 30


def test_a_call_stopped_before_it_goes_again_gives_its_permit_back() -> None:
    """Its idle connection and its client end at the same moment: nobody has its place for ever."""

    async def run() -> None:
        async with ground("ok", "hang at=before-headers", concurrency=1) as g:
            check_whole(await g.ask())
            _, writer = await asyncio.open_connection("127.0.0.1", g.port)
            await send(writer, g.port, question())
            await until(lambda: g.sent() == 2)
            (exchange,) = g.gateway._exchanges
            attempt, client = exchange._attempt, exchange.relay.reply._connection
            assert attempt is not None
            assert exchange._reused
            attempt.broken(Fault.CONNECTION_RESET, "the connection was reset")
            client.connection_lost(None)
            await until(lambda: not g.gateway._exchanges)
            g.at_rest()
            check_whole(await g.ask())
            writer.close()

    asyncio.run(asyncio.wait_for(run(), 20))

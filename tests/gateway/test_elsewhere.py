"""Held calls that go to another model or another address, on real sockets before two faulty APIs."""

import asyncio
import json
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from ground import KEY, Answer, Ground, ask, check_whole, hold, question, send, settings, until, upstream

from seawall.config import Config, Fallback, Gateway, Network, Team
from seawall.fake.app import FakeApi
from seawall.fake.scenario import Rule, Scenario
from seawall.gateway.app import GatewayServer

OPUS = "claude-opus-5-5"
SONNET = "claude-sonnet-5-5"
THEIR_KEY = "sk-ant-api03-" + "t" * 40
DOWN = Scenario(rules=(Rule("overloaded", model="*opus*"),))
"""Opus is overloaded for as long as the test lasts; other models are well."""
TO_SONNET = Gateway(fallback=("sonnet",), fallback_after=0.0)


@dataclass
class Two(Ground):
    """A gateway before one API, with another to fall back to."""

    other: FakeApi

    async def opus(
        self, *, stream: bool = True, headers: dict[str, str] | None = None, **more: Any
    ) -> Answer:
        return await self.ask(question(model=OPUS, stream=stream, **more), headers=headers)

    @property
    def ways(self) -> list[tuple[int | None, str, str | None]]:
        """Status, ending and fallback of each attempt in the store."""
        return [(row.status, row.ended, row.fallback) for row in self.attempts]


@asynccontextmanager
async def two(
    scenario: Scenario = DOWN,
    elsewhere: Scenario | None = None,
    *,
    tables: tuple[Fallback, ...] = (),
    key: str = THEIR_KEY,
    team: str = "",
    **changes: Any,
) -> AsyncIterator[Two]:
    """`tables` without an upstream of their own, but with the name of a key, are for the other API."""
    rows: list[Any] = []
    async with FakeApi(scenario, seed=1) as fake, FakeApi(elsewhere, seed=2) as other:
        there = [replace(one, upstream=other.url) if one.key_env else one for one in tables]
        gateway = settings(**{"upstream": fake.url, **changes})
        config = Config(gateway, Network(), team=Team(team), fallback=tuple(there))
        keys = {number: key for number, one in enumerate(there) if one.key_env}
        server = GatewayServer(config, rng=random.Random(1), sink=rows.append, fallback_keys=keys)
        await server.start()
        try:
            yield Two(fake, server, rows, other)
        finally:
            await server.stop()


SHORT = {"fallback": ("sonnet",), "fallback_after": 0.0}
AWAY = Fallback(("*",), key_env="OTHER_KEY", after=0.0)


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "not streamed"])
def test_another_model_answers_and_says_so(stream: bool) -> None:
    """One failure, then the other's answer: header, row and status tell of it, and only the model differs."""

    async def run() -> None:
        async with two(**SHORT) as g:
            answer = await g.opus(stream=stream)
            check_whole(answer)
            assert answer.headers["x-seawall-fallback"] == f"model={SONNET}"
            assert answer.headers["x-seawall-cause"] == "provider.overloaded"
            first, second = g.fake.requests
            assert second.body == first.body.replace(OPUS.encode(), SONNET.encode())
            differs = {"content-length"}
            assert [pair for pair in first.headers if pair[0] not in differs] == [
                pair for pair in second.headers if pair[0] not in differs
            ]
            assert g.ways == [(529, "retried", None), (None, "recovered", f"model={SONNET}")]
            assert [row.family for row in g.attempts] == ["opus", "sonnet"]
            assert g.gateway.status()["fell_back"] == 1
            g.at_rest()

    asyncio.run(run())


def test_another_version_of_the_same_family_has_a_lane_of_its_own() -> None:
    """The service refuses by the model, and so the one before may answer while this lane's breaker is open."""

    async def run() -> None:
        down = Scenario(rules=(Rule("overloaded", model=OPUS),))
        async with two(down, fallback=("claude-opus-4-8",), fallback_after=0.0) as g:
            answers = await asyncio.gather(*(g.opus() for _ in range(8)))
            for answer in answers:
                check_whole(answer)
                assert answer.headers["x-seawall-fallback"] == "model=claude-opus-4-8"
            lanes = {lane["version"]: lane for lane in g.gateway.status()["lanes"]}
            assert (lanes["5.5"]["family"], lanes["4.8"]["family"]) == ("opus", "opus")
            assert lanes["4.8"]["refused_share"] == 0 < lanes["5.5"]["refused_share"]
            g.at_rest()

    asyncio.run(run())


def test_off_by_default() -> None:
    """Without configuration the call is held for its own model, and nothing tells of another."""

    async def run() -> None:
        async with two(Scenario(rules=(Rule("overloaded", first=2),))) as g:
            answer = await g.opus()
            check_whole(answer)
            assert "x-seawall-fallback" not in answer.headers
            assert len({seen.body for seen in g.fake.requests}) == 1
            assert {row.fallback for row in g.attempts} == {None}
            assert g.gateway.status()["fell_back"] == 0

    asyncio.run(run())


def test_not_before_its_time() -> None:
    """A failure that is over sooner is answered by the call's own model."""

    async def run() -> None:
        async with two(Scenario(rules=(Rule("overloaded", first=2),)), fallback=("sonnet",)) as g:
            answer = await g.opus()
            check_whole(answer)
            assert {json.loads(seen.body)["model"] for seen in g.fake.requests} == {OPUS}

    asyncio.run(run())


def test_after_its_time_while_it_waits() -> None:
    """A call that waits for its own lane goes when the time has come, not when it is tried next."""

    async def run() -> None:
        throttled = Scenario(rules=(Rule("rate-limit retry-after=100", model="*opus*"),))
        table = Fallback(("limit.*", "provider.*"), SONNET, after=0.2)
        async with two(throttled, tables=(table,)) as g:
            answer = await g.opus()
            check_whole(answer)
            assert answer.headers["x-seawall-fallback"] == f"model={SONNET}"
            assert float(answer.headers["x-seawall-held"]) >= 0.2
            assert len(g.fake.requests) == 2
            g.at_rest()

    asyncio.run(run())


def test_a_call_that_only_waits_behind_others_goes_too() -> None:
    """While the breaker is open most calls are never tried themselves: the cause is their lane's."""

    async def run() -> None:
        async with two(fallback=("sonnet",), fallback_after=0.3) as g:
            answers = await asyncio.gather(*(g.opus() for _ in range(30)))
            for answer in answers:
                check_whole(answer)
                assert answer.headers["x-seawall-fallback"] == f"model={SONNET}"
            assert g.gateway.status()["fell_back"] == 30
            g.at_rest()

    asyncio.run(run())


def test_its_own_model_is_found_well_again() -> None:
    """However soon calls may go elsewhere, the next one tries its own model first."""

    async def run() -> None:
        async with two(Scenario(rules=(Rule("overloaded", count=1),)), **SHORT) as g:
            first, second = await g.opus(), await g.opus()
            assert first.headers["x-seawall-fallback"] == f"model={SONNET}"
            assert "x-seawall-fallback" not in second.headers
            assert [json.loads(seen.body)["model"] for seen in g.fake.requests] == [OPUS, SONNET, OPUS]
            assert g.gateway.status()["fell_back"] == 1

    asyncio.run(run())


def test_another_address_gets_its_own_key_and_nothing_of_the_clients() -> None:
    """Credentials, cookies, user, session and headers that nobody knows stay here; the path is the API's."""

    async def run() -> None:
        async with two(tables=(AWAY,)) as g:
            headers = {
                "authorization": "Bearer secret-1",
                "cookie": "secret-2",
                "x-claude-code-session-id": "secret-3",
                "x-strange-auth": "secret-4",
                "anthropic-beta": "a-1",
                "user-agent": "claude-cli/2.1.0",
            }
            body = question(model=OPUS, metadata={"user_id": "secret-5", "kept": 1})
            answer = await g.ask(body, path="/v1/messages?beta=true&x=secret-6", headers=headers)
            check_whole(answer)
            (seen,) = g.other.requests
            assert seen.header("x-api-key") == THEIR_KEY
            assert seen.header("anthropic-beta") == "a-1"
            assert seen.header("host") == g.other.url.removeprefix("http://")
            assert seen.target == "/v1/messages"
            assert "secret" not in repr(seen.headers) + seen.target + seen.body.decode()
            assert KEY not in repr(seen.headers)
            assert seen.body == body.replace(b'"user_id": "secret-5", ', b"")
            host = g.other.url.removeprefix("http://")
            assert answer.headers["x-seawall-fallback"] == f"upstream={host} model={OPUS}"
            assert g.ways[-1] == (None, "recovered", f"upstream={host} model={OPUS}")
            assert [row.route for row in g.attempts] == ["127.0.0.1", host]
            assert g.attempts[-1].account != g.attempts[0].account
            assert all(THEIR_KEY not in str(value) for value in answer.headers.values())
            g.at_rest()

    asyncio.run(run())


def test_cookies_of_another_address_are_not_the_clients() -> None:
    """It would send them to its own upstream with its next call."""

    async def run() -> None:
        body = (
            b'{"type":"message","role":"assistant","content":[],"usage":{"input_tokens":1,"output_tokens":1}}'
        )

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nset-cookie: theirs=1\r\nrequest-id: r1\r\n"
            writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()
            writer.close()

        async with upstream(serve) as url, two() as g:
            config = replace(g.gateway._config, fallback=(replace(AWAY, upstream=url),))
            async with another(config) as (port, _):
                answer = await ask(port, question(model=OPUS, stream=False))
                assert (answer.status, answer.body) == (200, body)
                assert answer.headers["request-id"] == "r1"
                assert "set-cookie" not in answer.headers

    asyncio.run(run())


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("status code=400", 400),
        ("status code=401", 401),
        ("status code=404", 404),
        ("status code=413", 413),
    ],
)
def test_a_refusal_of_the_target_is_never_the_clients(fault: str, error: int) -> None:
    """The target is struck off for this call and recorded; the call is held on and answered by its own model."""

    async def run() -> None:
        first = Scenario(rules=(Rule("overloaded", first=3),))
        async with two(first, Scenario(rules=(Rule(fault),)), tables=(AWAY,)) as g:
            answer = await g.opus()
            check_whole(answer)
            assert "x-seawall-fallback" not in answer.headers
            assert len(g.other.requests) == 1
            host = g.other.url.removeprefix("http://")
            assert (error, "retried", f"upstream={host} model={OPUS}") in g.ways
            assert g.ways[-1] == (None, "recovered", None)
            g.at_rest()

    asyncio.run(run())


def test_a_target_that_is_down_too_gives_the_call_back() -> None:
    """Its failures are not the client's either: what is told in the end is the last word of the call's own model."""

    async def run() -> None:
        both = Scenario(rules=(Rule("overloaded", model="*opus*"), Rule("status code=500")))
        async with two(both, hold=hold(longest=0.6), **SHORT) as g:
            answer = await g.opus()
            assert answer.status == 529
            assert answer.error["type"] == "overloaded_error"
            assert "x-seawall-fallback" not in answer.headers
            fell = [row for row in g.attempts if row.fallback]
            assert fell
            assert {(row.status, row.ended) for row in fell} == {(500, "retried")}
            g.at_rest()

    asyncio.run(run())


def test_a_target_may_answer_later() -> None:
    """It rests after a failure, and is asked again while the call is held."""

    async def run() -> None:
        shaky = Scenario(rules=(Rule("overloaded", model="*opus*"), Rule("status code=500", count=1)))
        async with two(shaky, **SHORT) as g:
            answer = await g.opus()
            check_whole(answer)
            assert [status for status, _, way in g.ways if way] == [500, None]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"temperature": 0.1}, "it does not take temperature"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "it has no thinking 'enabled'"),
    ],
)
def test_what_the_other_model_would_refuse_is_not_sent(more: dict[str, Any], says: str) -> None:
    """The call stays, and its answer says why it was not sent elsewhere."""

    async def run() -> None:
        async with two(Scenario(rules=(Rule("overloaded", first=2),)), **SHORT) as g:
            answer = await g.opus(**more)
            check_whole(answer)
            assert {json.loads(seen.body)["model"] for seen in g.fake.requests} == {OPUS}
            assert answer.headers["x-seawall-note"] == f"not sent to {SONNET}: {says}"

    asyncio.run(run())


def test_a_login_goes_nowhere_else() -> None:
    """Rule 13: neither to another model nor to another address."""

    async def run() -> None:
        first = Scenario(rules=(Rule("overloaded", first=2),))
        async with two(first, tables=(AWAY,), **SHORT) as g:
            headers = {"authorization": "Bearer sk-ant-oat01-" + "x" * 40}
            answer = await ask(g.port, question(model=OPUS), headers=headers, without=("x-api-key",))
            check_whole(answer)
            assert g.other.requests == []
            assert {json.loads(seen.body)["model"] for seen in g.fake.requests} == {OPUS}

    asyncio.run(run())


@pytest.mark.parametrize("cause", ["status code=400", "status code=401", "spend-cap"])
def test_what_is_not_held_does_not_fall_back(cause: str) -> None:
    """It goes through at once, as it came."""

    async def run() -> None:
        async with two(Scenario(rules=(Rule(cause),)), tables=(AWAY,)) as g:
            answer = await g.opus()
            assert answer.status in (400, 401, 429)
            assert g.other.requests == []
            assert len(g.fake.requests) == 1

    asyncio.run(run())


def test_without_a_hold_nothing_falls_back() -> None:
    """`--no-hold` passes every failure on."""

    async def run() -> None:
        async with two(hold=hold(longest=0.0), **SHORT) as g:
            assert (await g.opus()).status == 529
            assert len(g.fake.requests) == 1

    asyncio.run(run())


def test_an_opened_answer_gets_the_others_content() -> None:
    """Its headers were sent before: the store and the answer's own model tell of it."""

    async def run() -> None:
        throttled = Scenario(rules=(Rule("rate-limit retry-after=100", model="*opus*"),))
        table = Fallback(("limit.*",), SONNET, after=0.3)
        async with two(throttled, tables=(table,), hold=hold(open_unknown=0.0)) as g:
            answer = await g.opus()
            check_whole(answer)
            assert "x-seawall-fallback" not in answer.headers
            assert SONNET.encode() in answer.body
            assert g.ways[-1] == (None, "recovered", f"model={SONNET}")

    asyncio.run(run())


def test_a_client_that_leaves_ends_the_attempt_there() -> None:
    """The other upstream is cancelled too, and nothing is kept."""

    async def run() -> None:
        hangs = Scenario(rules=(Rule("hang at=before-headers"),))
        async with two(elsewhere=hangs, tables=(AWAY,)) as g:
            reader, writer = await asyncio.open_connection("127.0.0.1", g.port)
            await send(writer, g.port, question(model=OPUS))
            await until(lambda: bool(g.other.requests))
            writer.close()
            await until(lambda: g.other.requests[0].client_gone)
            await until(lambda: g.gateway.status()["running"] == 0)
            del reader
            g.at_rest()

    asyncio.run(run())


def test_trouble_is_over_once_its_own_lane_is_well_though_its_calls_went_elsewhere() -> None:
    """Also where the failure was the first answer that named the account: what is known goes on under that name."""

    async def run() -> None:
        async with two(Scenario(rules=(Rule("overloaded", count=1),)), tables=(AWAY,)) as g:
            assert "x-seawall-fallback" in (await g.opus()).headers
            assert g.gateway.status()["cause"] == "provider.overloaded"
            assert "x-seawall-fallback" not in (await g.opus()).headers
            assert g.gateway.status()["cause"] is None
            (trouble,) = g.gateway.status()["troubles"]
            assert (trouble["failures"], trouble["finished"]) == (1, 1)

    asyncio.run(run())


def test_an_answer_from_elsewhere_that_was_kept_says_so() -> None:
    """Finished while its client was away, and given to its retry: with the header that it would have had."""

    async def run() -> None:
        slow = Scenario(rules=(Rule("hang at=in-block seconds=1.5"),))
        async with two(elsewhere=slow, tables=(AWAY,), finish_abandoned=True) as g:
            session = {"x-claude-code-session-id": "s1"}
            _, writer = await asyncio.open_connection("127.0.0.1", g.port)
            await send(writer, g.port, question(model=OPUS), headers=session)
            await until(lambda: bool(g.other.requests))
            writer.close()
            await until(lambda: g.gateway._places.any_left)
            answer = await g.opus(headers=session)
            check_whole(answer)
            host = g.other.url.removeprefix("http://")
            assert answer.headers["x-seawall-fallback"] == f"upstream={host} model={OPUS}"
            assert len(g.other.requests) == 1
            g.at_rest()

    asyncio.run(run())


def test_what_ends_a_call_that_is_away_is_no_word_of_the_other() -> None:
    """It was at the other address when its client left, or had to be told: the cause is of its own lane, and the row
    says where it was."""

    async def run() -> None:
        hangs = Scenario(rules=(Rule("hang at=before-headers"),))
        async with two(elsewhere=hangs, tables=(AWAY,)) as g:
            _, writer = await asyncio.open_connection("127.0.0.1", g.port)
            await send(writer, g.port, question(model=OPUS))
            await until(lambda: bool(g.other.requests))
            writer.close()
            answer = await g.opus(headers={"x-stainless-timeout": "1"})
            assert answer.status == 529
            assert g.gateway.status()["cause"] == "provider.overloaded"
            host = g.other.url.removeprefix("http://")
            theirs = g.gateway._accounts.hash(THEIR_KEY.encode())
            ends = [row for row in g.attempts if row.ended != "retried"]
            assert [row.ended for row in ends] == ["abandoned", "given_up"]
            for row in ends:
                assert (row.route, row.cause) == ("127.0.0.1", "provider.overloaded")
                assert row.account != theirs
                assert row.fallback == f"upstream={host} model={OPUS}"
            g.at_rest()

    asyncio.run(run())


def test_a_ring_by_way_of_a_fallback_is_found() -> None:
    """A gateway that falls back to one whose upstream it is itself gets each call back once, and does not take it."""

    async def run() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            back = Fallback(("*",), upstream=f"http://127.0.0.1:{listener.getsockname()[1]}", key_env="K")
            table = replace(back, after=0.0)
            async with two(Scenario(rules=(Rule("overloaded", first=3),))) as g:
                async with another(replace(g.gateway._config, fallback=(table,))) as (port, rows):
                    ring = Config(settings(upstream=f"http://127.0.0.1:{port}"), Network())
                    behind = GatewayServer(ring, rng=random.Random(2), sockets=[listener.dup()])
                    await behind.start()
                    try:
                        check_whole(await ask(port, question(model=OPUS)))
                    finally:
                        await behind.stop()
                    assert {row.call for row in rows if hasattr(row, "call")} == {rows[0].call}
                    assert [row.status for row in rows if getattr(row, "fallback", None)] == [508]
                assert {seen.header("x-api-key") for seen in g.fake.requests} == {KEY}

    asyncio.run(run())


def test_a_gateway_in_front_learns_nothing_of_an_account_that_is_not_its_clients() -> None:
    """What the gateway behind had answered elsewhere names another account, and another's limits."""

    async def run() -> None:
        async with two(tables=(AWAY,)) as g:
            front = Config(settings(upstream=f"http://127.0.0.1:{g.port}"), Network())
            server = GatewayServer(front, rng=random.Random(2))
            await server.start()
            try:
                answer = await ask(server.addresses[0][1], question(model=OPUS))
                check_whole(answer)
                assert "x-seawall-fallback" in answer.headers
                (lane,) = server.status()["lanes"]
                assert lane["buckets"] == []
                assert not server._accounts._organisations
            finally:
                await server.stop()

    asyncio.run(run())


def test_a_target_that_nobody_answers_at() -> None:
    """A refused connection there is no word about the call's own upstream: it is held on."""

    async def run() -> None:
        gone = Fallback(("*",), SONNET, "http://127.0.0.1:9", "OTHER_KEY", after=0.0)
        async with two(Scenario(rules=(Rule("overloaded", first=3),))) as g:
            config = replace(g.gateway._config, fallback=(gone,))
            async with another(config) as (port, rows):
                check_whole(await ask(port, question(model=OPUS)))
                causes = {row.cause for row in rows if getattr(row, "fallback", None)}
                assert causes == {"network.connection_refused"}

    asyncio.run(run())


@asynccontextmanager
async def another(config: Config) -> AsyncIterator[tuple[int, list[Any]]]:
    """One more gateway with these settings."""
    rows: list[Any] = []
    server = GatewayServer(config, rng=random.Random(1), sink=rows.append, fallback_keys={0: THEIR_KEY})
    await server.start()
    try:
        yield server.addresses[0][1], rows
    finally:
        await server.stop()


def test_many_calls_in_bad_weather_leave_nothing_behind() -> None:
    """All fail by chance, and clients leave: every answer is whole, every place is given back."""

    async def run() -> None:
        weather = Scenario(
            rules=(
                Rule("overloaded", model="*opus*", chance=0.7),
                Rule("cut at=before-content", chance=0.1),
                Rule("status code=500", model="*sonnet*", chance=0.4),
            )
        )
        there = Scenario(rules=(Rule("status code=400", chance=0.2), Rule("overloaded", chance=0.3)))
        tables = (Fallback(("provider.*",), SONNET, after=0.05), replace(AWAY, after=0.1))
        async with two(weather, there, tables=tables, hold=hold(replays=100)) as g:

            async def leave(number: int) -> None:
                _, writer = await asyncio.open_connection("127.0.0.1", g.port)
                await send(writer, g.port, question(f"leaves nonce={number}", model=OPUS))
                await asyncio.sleep(number / 100)
                writer.close()

            async def stay(number: int) -> str:
                text = f"stays nonce={number}"
                answer = await g.ask(question(text, model=OPUS, stream=number % 2 == 0))
                check_whole(answer, text)
                return answer.headers.get("x-seawall-fallback", "")

            ways = await asyncio.gather(*(stay(n) for n in range(60)))
            await asyncio.gather(*(leave(n) for n in range(20)))
            await until(lambda: g.gateway.status()["running"] == 0)
            assert any(ways)
            assert g.gateway.status()["fell_back"] >= sum(map(bool, ways))
            assert g.gateway.status()["lost"] == 0
            g.at_rest()

    asyncio.run(run())

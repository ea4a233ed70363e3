"""One call through the `anthropic` SDK, in each of the ways that programs use it."""

import asyncio
import json
import ssl
from collections.abc import Callable, Iterable
from typing import Any

import anthropic
from anthropic.types import ContentBlock, Message
from client_setup import KEY, SONNET, Outcome


def _text(blocks: Iterable[ContentBlock]) -> str:
    blocks = list(blocks)
    text = "".join(b.text for b in blocks if b.type == "text")
    assert all(b.input["text"] == text for b in blocks if b.type == "tool_use")
    return text


class _Raw:
    """What a program keeps of a raw iterator."""

    def __init__(self) -> None:
        self._text = ""
        self._tool = ""

    def take(self, event: Any) -> None:
        """One event."""
        if event.type == "content_block_delta":
            self._text += getattr(event.delta, "text", "")
            self._tool += getattr(event.delta, "partial_json", "")

    def text(self) -> str:
        """All of it, when the iterator has ended."""
        assert not self._tool or json.loads(self._tool)["text"] == self._text
        return self._text


Ask = dict[str, Any]


# Only for speed, and so that a proxy of this machine stays out of it: else the SDK would make the same itself.
_TLS = ssl.create_default_context()


def client(options: Ask) -> anthropic.Anthropic:
    """The SDK's client."""
    http = anthropic.DefaultHttpxClient(verify=_TLS, trust_env=False)
    return anthropic.Anthropic(api_key=KEY, http_client=http, **options)


def _async(options: Ask) -> anthropic.AsyncAnthropic:
    http = anthropic.DefaultAsyncHttpxClient(verify=_TLS, trust_env=False)
    return anthropic.AsyncAnthropic(api_key=KEY, http_client=http, **options)


def create(options: Ask, ask: Ask) -> str:
    """`messages.create`."""
    with client(options) as sdk:
        return _text(sdk.messages.create(**ask).content)


def helper(options: Ask, ask: Ask) -> str:
    """`messages.stream`, its text and its final message."""
    with client(options) as sdk, sdk.messages.stream(**ask) as stream:
        text = "".join(stream.text_stream)
        assert text == _text(stream.get_final_message().content)
        return text


def raw(options: Ask, ask: Ask) -> str:
    """`messages.create(stream=True)`, iterated to its end."""
    kept = _Raw()
    with client(options) as sdk, sdk.messages.create(**ask, stream=True) as events:
        for event in events:
            kept.take(event)
    return kept.text()


async def _create(options: Ask, ask: Ask) -> str:
    async with _async(options) as sdk:
        message: Message = await sdk.messages.create(**ask)
        return _text(message.content)


async def _helper(options: Ask, ask: Ask) -> str:
    async with (
        _async(options) as sdk,
        sdk.messages.stream(**ask) as stream,
    ):
        text = "".join([piece async for piece in stream.text_stream])
        assert text == _text((await stream.get_final_message()).content)
        return text


async def _raw(options: Ask, ask: Ask) -> str:
    kept = _Raw()
    async with (
        _async(options) as sdk,
        await sdk.messages.create(**ask, stream=True) as events,
    ):
        async for event in events:
            kept.take(event)
    return kept.text()


Way = Callable[[Ask, Ask], str]

NOT_STREAMED: dict[str, Way] = {"create": create, "async create": lambda o, a: asyncio.run(_create(o, a))}
STREAMED: dict[str, Way] = {
    "helper": helper,
    "raw": raw,
    "async helper": lambda o, a: asyncio.run(_helper(o, a)),
    "async raw": lambda o, a: asyncio.run(_raw(o, a)),
}


def call(way: str, url: str, prompt: str, *, limit: float, retries: int | None) -> Outcome:
    """The outcome of one call; `retries` None leaves the SDK its default."""
    options: Ask = {"base_url": url, "timeout": limit}
    if retries is not None:
        options["max_retries"] = retries
    ask: Ask = {"model": SONNET, "max_tokens": 500, "messages": [{"role": "user", "content": prompt}]}
    try:
        return Outcome((NOT_STREAMED | STREAMED)[way](options, ask))
    except Exception as error:  # every class of failure is an outcome
        status = getattr(error, "status_code", None)
        return Outcome("", type(error).__name__, status, str(error))

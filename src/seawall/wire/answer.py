"""An answer of the Messages API, followed as it arrives: when it is content, when it is whole, when it is broken."""

from enum import StrEnum
from typing import Annotated

import msgspec

from seawall.wire.sse import EventTooLong, Splitter, events, name_and_data

_MOST_HELD = 1024 * 1024
"""Bytes of events kept back before content. `message_start` is a few hundred; more is no answer of this API."""


class State(StrEnum):
    """How far a streamed answer has come."""

    HELD = "held"
    """Nothing in it is content yet; it may still be thrown away."""
    FLOWING = "flowing"
    WHOLE = "whole"
    """`message_stop` was seen."""
    ERROR = "error"
    """An `error` event was seen."""
    MALFORMED = "malformed"
    """Not a stream of this API."""


_HELD = State.HELD  # on the path of every event, where even an enum's attribute costs


_AFTER_START = frozenset({b"content_block_start", b"message_delta", b"message_stop"})
"""Events that are of a message, so that one must have begun."""


class _Typed(msgspec.Struct):
    type: str = ""


_Tokens = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
"""What limits can be reckoned with; anything else teaches nothing."""


class _Usage(msgspec.Struct):
    input_tokens: _Tokens | None = None
    cache_creation_input_tokens: _Tokens | None = None
    output_tokens: _Tokens | None = None


class _Started(msgspec.Struct):
    usage: _Usage | None = None


class _Message(msgspec.Struct):
    type: str = ""
    role: str = ""
    content: msgspec.Raw = msgspec.Raw(b"")


class _Whole(_Message):
    usage: _Usage | None = None


class _Start(msgspec.Struct):
    message: _Started | None = None


class Usage(msgspec.Struct):
    """What an answer says that it took, of what counts against the limits a minute: input that came from the cache does
    not."""

    input: int | None = None
    output: int | None = None

    def read(self, usage: _Usage | None) -> None:
        """Take what this object of the API says."""
        if usage is None:
            return
        if usage.input_tokens is not None:
            self.input = usage.input_tokens + (usage.cache_creation_input_tokens or 0)
        if usage.output_tokens is not None:
            self.output = usage.output_tokens


_typed = msgspec.json.Decoder(_Typed)
_message = msgspec.json.Decoder(_Message)
_whole = msgspec.json.Decoder(_Whole)
_start = msgspec.json.Decoder(_Start)
_ended = msgspec.json.Decoder(_Started)


class StreamedAnswer:
    """Follows one streamed answer. Only whole events leave, so that something can always follow them.

    Until the first `content_block_start` (or a `message_stop` without content) everything is kept back: such an
    attempt can be replaced without the client's notice. Pings are not kept: they speak of this moment only.
    """

    __slots__ = ("_begun", "_held", "_held_size", "_splitter", "error", "state", "usage")

    def __init__(self, limit: int) -> None:
        self._splitter = Splitter(limit)
        self._held: list[bytes] = []
        self._held_size = 0
        self._begun = False
        """`message_start` was seen, which comes once and before any content."""
        self.state: State = _HELD
        self.error = b""
        """The data of the `error` event."""
        self.usage = Usage()

    def feed(self, data: bytes) -> bytes:
        """What may be forwarded now. Look at `state` afterwards."""
        if data[-2:] == b"\n\n" and not self._splitter.rest:
            block = data  # whole events, as nearly always
        else:
            try:
                block = self._splitter.feed(data)
            except EventTooLong:
                self.state = State.MALFORMED
                return b""
            if not block:
                return b""
        if self.state is _HELD:
            return self._look(block)
        # The names stand in the data too, so a block without them has none of the events that end an answer. Texts
        # that speak of errors take the longer way.
        if b"message_" in block or b"error" in block:
            self._scan(block)
        return block

    def _scan(self, block: bytes) -> None:
        for one in events(block):
            name, data = name_and_data(one)
            if name == b"message_stop":
                self.state = State.WHOLE
            elif name == b"message_delta":
                self._read_usage(data)
            elif name == b"error":
                self.state, self.error = State.ERROR, data

    def _read_usage(self, data: bytes) -> None:
        try:
            self.usage.read(_ended.decode(data).usage)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass  # it goes on to the client as it is; nothing is learned of it

    def _is_event(self, name: bytes, data: bytes) -> bool:
        """Whether the data is what an event's must be; what it says of usage is read."""
        try:
            if name != b"message_start":
                _typed.decode(data)
                return True
            started = _start.decode(data).message
        except (msgspec.ValidationError, RecursionError):
            return True  # JSON, if not what we expect of it, or nested deeper than we look
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        self.usage.read(started.usage if started is not None else None)
        return True

    def _look(self, block: bytes) -> bytes:
        """Read the events before content one by one."""
        for one in events(block):
            if self.state is not _HELD:
                self._held.append(one)
                continue
            name, data = name_and_data(one)
            if name == b"ping":
                continue
            if name == b"error":
                self.state, self.error = State.ERROR, data
                return b""
            starts = name == b"message_start"
            misplaced = self._begun if starts else name in _AFTER_START and not self._begun
            if misplaced or (name and not self._is_event(name, data)):
                self.state = State.MALFORMED
                return b""
            self._begun |= starts
            self._held.append(one)
            self._held_size += len(one)
            if name == b"content_block_start":
                self.state = State.FLOWING
            elif name == b"message_stop":
                self.state = State.WHOLE
            elif self._held_size > _MOST_HELD:
                self.state = State.MALFORMED
                return b""
        if self.state is _HELD:
            return b""
        held, self._held = self._held, []
        out = b"".join(held)
        if self.state is State.FLOWING:
            self._scan(out)
        return out


def message_usage(body: bytes) -> Usage | None:
    """What a whole JSON body says that it took; None where it is no answer of the Messages API."""
    message: _Message
    try:
        try:
            message = _whole.decode(body)
        except msgspec.ValidationError:
            message = _message.decode(body)  # where only its usage is strange, it is an answer all the same
    except RecursionError:
        return Usage()  # nested deeper than we look: JSON that nobody would send as a page of his own
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if message.type != "message" or not message.content:
        return None
    usage = Usage()
    if isinstance(message, _Whole):
        usage.read(message.usage)
    return usage

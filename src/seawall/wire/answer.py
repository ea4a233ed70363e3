"""An answer of the Messages API, followed as it arrives: when it is content, when it is whole, when it is broken."""

from enum import StrEnum

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


class _Typed(msgspec.Struct):
    type: str = ""


class _Message(msgspec.Struct):
    type: str = ""
    role: str = ""
    content: msgspec.Raw = msgspec.Raw(b"")


_typed = msgspec.json.Decoder(_Typed)
_message = msgspec.json.Decoder(_Message)


class StreamedAnswer:
    """Follows one streamed answer. Only whole events leave, so that something can always follow them.

    Until the first `content_block_start` (or a `message_stop` without content) everything is kept back: such an
    attempt can be replaced without the client's notice. Pings are not kept: they speak of this moment only.
    """

    __slots__ = ("_held", "_held_size", "_splitter", "error", "state")

    def __init__(self, limit: int) -> None:
        self._splitter = Splitter(limit)
        self._held: list[bytes] = []
        self._held_size = 0
        self.state = State.HELD
        self.error = b""
        """The data of the `error` event."""

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
        # The names stand in the data too, so a block without them has neither event. Texts that speak of errors
        # take the longer way.
        if b"message_stop" in block or b"error" in block:
            self._scan(block)
        return block

    def _scan(self, block: bytes) -> None:
        for one in events(block):
            name, data = name_and_data(one)
            if name == b"message_stop":
                self.state = State.WHOLE
            elif name == b"error":
                self.state, self.error = State.ERROR, data

    def _look(self, block: bytes) -> bytes:
        """Read the events before content one by one."""
        for one in events(block):
            if self.state is not State.HELD:
                self._held.append(one)
                continue
            name, data = name_and_data(one)
            if name == b"ping":
                continue
            if name == b"error":
                self.state, self.error = State.ERROR, data
                return b""
            if name and not _is_json(data):
                self.state = State.MALFORMED
                return b""
            self._held.append(one)
            self._held_size += len(one)
            if name == b"content_block_start":
                self.state = State.FLOWING
            elif name == b"message_stop":
                self.state = State.WHOLE
            elif self._held_size > _MOST_HELD:
                self.state = State.MALFORMED
                return b""
        if self.state is State.HELD:
            return b""
        held, self._held = self._held, []
        out = b"".join(held)
        if self.state is State.FLOWING:
            self._scan(out)
        return out


def _is_json(data: bytes) -> bool:
    try:
        _typed.decode(data)
    except msgspec.DecodeError:
        return False
    return True


def is_message(body: bytes) -> bool:
    """Whether a whole JSON body is an answer of the Messages API."""
    try:
        message = _message.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return message.type == "message" and bool(message.content)

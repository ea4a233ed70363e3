"""What a messages request says of itself, read from its headers and the top level of its body."""

import hashlib
import re
import zlib
from functools import lru_cache
from typing import Any

import msgspec

RequestBody = bytes | bytearray
"""A whole body. A large one is the buffer that it was received into; nobody changes it."""

_FAMILIES = ("opus", "sonnet", "haiku", "fable", "mythos")
_VERSION = re.compile(r"-([0-9]{1,2})(?:-([0-9]{1,2}))?(?![0-9])")
_BYTES_PER_TOKEN = 4
"""A guess for limits only; the true figure is learned from usage by the pacer."""


_MOST_TOKENS = 1 << 53
"""No model allows so many; a larger number would not fit in what limits are reckoned with."""
_LONGEST_MODEL = 100
"""Characters of a model's name that is remembered: a client may write anything there."""
_LONGEST_USER = 256
"""Characters of a user's name that are kept, for as long as its call and its place are."""


class _Top(msgspec.Struct):
    """Only what decides; everything else is skipped without being built."""

    model: Any = None
    stream: Any = None
    max_tokens: Any = None
    metadata: Any = None


class _Tool(msgspec.Struct):
    type: Any = None


class _Acting(msgspec.Struct):
    tools: list[_Tool] | None = None
    mcp_servers: msgspec.Raw = msgspec.Raw(b"")
    container: msgspec.Raw = msgspec.Raw(b"")


_top = msgspec.json.Decoder(_Top)
_acting = msgspec.json.Decoder(_Acting)
_parts = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Facts(msgspec.Struct, frozen=True):
    """A messages request as the gateway sees it."""

    family: str
    """opus, sonnet, haiku, fable, mythos or empty."""
    streamed: bool
    max_tokens: int | None
    user: str
    """`metadata.user_id`, or empty; the beginning of a very long one."""
    size: int
    """Bytes of the body as it came."""
    tokens: int
    """Of input, estimated high."""
    readable: bool
    """Whether the body could be read; one that could not is forwarded all the same."""
    version: str = ""
    """Within the family: `4.8`; or empty."""


def family(model: str) -> str:
    """The model family in a model's name, or empty."""
    for name in _FAMILIES:
        if name in model:
            return name
    return ""


def version(model: str, family: str) -> str:
    """The version within this family that a model's name tells, as `4.8` or `5`, or empty."""
    found = _VERSION.match(model, model.find(family) + len(family)) if family else None
    return ".".join(filter(None, found.groups())) if found is not None else ""


def named(model: str) -> tuple[str, str]:
    """Family and version that a model's name tells, each possibly empty."""
    return (_named if len(model) <= _LONGEST_MODEL else _named.__wrapped__)(model)


@lru_cache(64)
def _named(model: str) -> tuple[str, str]:
    """Most calls name the same few models."""
    kin = family(model)
    return kin, version(model, kin)


def decoded(body: RequestBody, coding: bytes | None, limit: int) -> RequestBody | None:
    """A request's body without its `content-encoding`; None where it cannot be read within `limit` bytes."""
    if coding is None or coding.lower() in (b"", b"identity"):
        return body
    if coding.lower() not in (b"gzip", b"x-gzip", b"deflate"):
        return None
    try:
        unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        plain = unpacker.decompress(body, limit)
    except zlib.error:
        return None
    return plain if unpacker.eof else None


def read(body: RequestBody | None, size: int) -> Facts:
    """The facts in a body of `size` bytes, which is None where it could not be decoded. Never raises."""
    tokens = size // _BYTES_PER_TOKEN
    try:
        top = _top.decode(body or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Facts("", False, None, "", size, tokens, False)
    model = top.model if isinstance(top.model, str) else ""
    most = top.max_tokens
    if type(most) is not int or not 0 < most <= _MOST_TOKENS:
        most = None
    kin, number = named(model)
    user = top.metadata.get("user_id") if isinstance(top.metadata, dict) else None
    return Facts(
        family=kin,
        streamed=top.stream is True,
        max_tokens=most,
        user=user[:_LONGEST_USER] if isinstance(user, str) else "",
        size=size,
        tokens=tokens,
        readable=True,
        version=number,
    )


def acts_on_server(body: RequestBody | None) -> bool:
    """Whether carrying out the request twice could act twice: server tools, MCP servers, a container.

    A tool of the client has no type or `custom`; every other type runs at the service. What cannot be read is
    taken to act.
    """
    try:
        acting = _acting.decode(body or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return True
    named = (bytes(acting.mcp_servers), bytes(acting.container))
    if any(value not in (b"", b"null", b"[]") for value in named):
        return True
    return any(tool.type not in (None, "custom") for tool in acting.tools or ())


def digest(body: RequestBody) -> bytes:
    """What identifies a body."""
    return hashlib.sha256(body).digest()


_TWIN_DIFFERS = ("stream", "max_tokens", "temperature")
"""Claude Code's not streamed twin of a failed streamed call differs in these (measured)."""


def twin_digest(body: RequestBody | None) -> bytes:
    """What a call and its not streamed twin have in common; empty where the body cannot be read."""
    try:
        parts = _parts.decode(body or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return b""
    whole = hashlib.sha256()
    for key in sorted(parts):
        if key not in _TWIN_DIFFERS:
            whole.update(key.encode() + b"\0" + bytes(parts[key]) + b"\0")
    return whole.digest()

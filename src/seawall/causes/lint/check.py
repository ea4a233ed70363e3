"""The whole look at a request: from a body's bytes to findings and a few facts. Pure; reads nothing else."""

from dataclasses import dataclass
from typing import Any

import msgspec

from seawall.causes.lint import fields, text, tools, turns
from seawall.causes.lint.blocks import MANY_IMAGES, MANY_PIXELS, Media
from seawall.causes.lint.found import Finding, Found, Level, said
from seawall.wire.models import Model
from seawall.wire.request import RequestBody

LONGEST = 64 * 1024 * 1024
"""Bytes of a body beyond which nothing of it is read."""
_MOST_BYTES = 32 * 1024 * 1024
_SURE_BYTES = 32_000_000
"""The API says 32 MB; which of the two it counts is not written anywhere."""
_CLOUDS = "Bedrock takes 20 MB, Google Cloud 30 MB"
_MOST_CACHED = 4
_DENSER = 1.3
_BYTES_PER_TOKEN = 4
_SURELY_LONGER = 2.0
"""An estimate of tokens by length is right within a factor of two."""
_LARGE = "request.request_too_large"
_TEXTS = ("system", "tools", "messages")
"""The parts of a request that the model reads."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in a request, and what it is."""

    findings: tuple[Finding, ...]
    more: int
    """Findings beyond those that are kept."""
    errors: int
    size: int
    model: str = ""
    """Its id, if it is known."""
    window: int = 0
    messages: int = 0
    tools: int = 0
    images: int = 0
    pdfs: int = 0
    tokens: int = 0
    """Input tokens, estimated."""

    @property
    def warnings(self) -> int:
        return len(self.findings) + self.more - self.errors


def check(body: RequestBody, today: str) -> Report:
    """What the API would refuse in a body of `LONGEST` bytes at most; `today` is a day in ISO form. Never raises."""
    found = Found()
    _size(len(body), found)
    parts = text.parts(body)
    if isinstance(parts, Finding):
        found.add(parts)
        return _report(found, len(body))
    at_fault = _batch(parts)
    if at_fault:
        found.error(fields.INVALID, *at_fault)
        return _report(found, len(body))
    top = {
        name: _read(name, raw, found)
        for name, raw in parts.items()
        if name in fields.FIELDS and name != "messages"
    }
    model = fields.check(top, set(parts), found, today)
    names = tools.check(top.get("tools"), found)
    tools.check_choice(top, names, model, found)
    turns.check_system(top.get("system"), found)
    media = Media()
    messages = text.items(parts["messages"]) if "messages" in parts else None
    if messages is not None:
        turns.check_all(messages, _asked(top, parts, model), found, media)
    elif "messages" in parts:
        kind = said(_read("messages", parts["messages"], found))
        found.error(fields.INVALID, "/messages", f"messages is {kind}, no list", "write a list of messages")
    _cached(top, messages or [], found)
    _media(media, model, found)
    tokens = _tokens(parts, media, model)
    _window(tokens, model, found)
    listed = top.get("tools")
    return _report(
        found,
        len(body),
        model,
        len(messages or ()),
        len(listed) if isinstance(listed, list) else 0,
        media,
        tokens,
    )


def too_long(size: int) -> Report:
    """The report on a body of over `LONGEST` bytes, of which nothing was read."""
    found = Found()
    _size(size, found)
    return _report(found, size)


def _report(
    found: Found, size: int, model: Model | None = None, messages: int = 0, tools: int = 0,
    media: Media | None = None, tokens: int = 0,
) -> Report:  # fmt: skip
    # Errors first, else in the order of the request.
    findings = sorted(found.findings, key=lambda one: one.level is not Level.ERROR)
    media = media or Media()
    return Report(
        tuple(findings), found.more, found.errors, size, model.id if model else "", model.window if model else 0,
        messages, tools, media.images, media.pdfs, tokens,
    )  # fmt: skip


def _size(size: int, found: Found) -> None:
    said_size = f"{size / 1e6:.1f} MB"
    do = "take images and files out, or upload them once with the Files API"
    if size > _MOST_BYTES:
        found.error(_LARGE, "", f"the body has {said_size}; 32 MB is the most", do)
    elif size > 20_000_000:
        more = "the API's 32 MB are near; " if size > _SURE_BYTES else ""
        found.warn(_LARGE, "", f"the body has {said_size}; {more}{_CLOUDS}", do)


def _batch(parts: text.Parts) -> tuple[str, str, str] | None:
    """Where, what and what to do, of a body for another endpoint."""
    if "messages" in parts:
        return None
    if "requests" in parts:
        return "/requests", "this is the body of a batch", "look at the `params` of one of its requests"
    if "params" in parts and "custom_id" in parts:
        return "/params", "this is one request of a batch", "look at what stands in its `params`"
    return None


def _read(name: str, raw: msgspec.Raw, found: Found) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        what = "it holds a number or text that cannot be read"
        found.error(text.CODE, f"/{name}", what, "look at its values")
        return None


def _asked(top: dict[str, Any], parts: text.Parts, model: Model | None) -> turns.Asked:
    thinking = top.get("thinking")
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    return turns.Asked(
        model,
        kind if isinstance(kind, str) else "",
        "thread" in parts,
        bool(top.get("tools")) or "mcp_servers" in parts,
    )


def _media(media: Media, model: Model | None, found: Found) -> None:
    if media.images > MANY_IMAGES:
        for at in media.wide:
            what = f"over {MANY_PIXELS} pixels a side, among more than {MANY_IMAGES} images"
            found.error("request.image_too_large", at, what, "scale it to 1568 pixels on its long side")
    most = 100 if model and model.window < 1_000_000 else 600
    pages = media.images + media.pages
    if media.images > most:
        what = f"{media.images} images; {most} images and pages of PDFs together are the most"
        found.error("request.image_too_large", "/messages", what, "leave old images out")
    elif pages > most:
        what = f"about {pages} images and pages of PDFs; {most} together are the most"
        found.warn("request.pdf_invalid", "/messages", what, "split the PDFs, or send their text")


def _cached(top: dict[str, Any], messages: list[msgspec.Raw], found: Found) -> None:
    """Finds what is wrong with marks for the prompt cache, in the order in which the API reads the request."""
    marks: list[tuple[str, Any]] = []
    for part in ("tools", "system"):
        listed = top.get(part)
        for number, one in enumerate(listed if isinstance(listed, list) else ()):
            _marks(one, f"/{part}/{number}", marks)
    for number, raw in enumerate(messages):
        if b"cache_control" not in memoryview(raw).tobytes():
            continue
        try:
            message = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue  # said already
        content = message.get("content") if isinstance(message, dict) else None
        for place, block in enumerate(content if isinstance(content, list) else ()):
            _marks(block, f"/messages/{number}/content/{place}", marks)
    _one_mark(top.get("cache_control"), "/cache_control", found)
    short = False
    for at, mark in marks:
        _one_mark(mark, at, found)
        long = isinstance(mark, dict) and mark.get("ttl") == "1h"
        if long and short:
            found.error(
                fields.INVALID, at, "a mark for an hour behind one for five minutes", "put longer ones first"
            )
        short = short or not long
    count = len(marks) + (top.get("cache_control") is not None)
    if count > _MOST_CACHED:
        what = f"{count} blocks have cache_control; {_MOST_CACHED} is the most"
        at = marks[_MOST_CACHED][0] if len(marks) > _MOST_CACHED else "/cache_control"
        found.error(fields.INVALID, at, what, "keep those at the ends of what stays the same")


def _marks(block: Any, at: str, marks: list[tuple[str, Any]]) -> None:
    if not isinstance(block, dict):
        return
    inner = block.get("content")
    for number, one in enumerate(inner if isinstance(inner, list) else ()):
        if isinstance(one, dict) and one.get("cache_control") is not None:
            marks.append((f"{at}/content/{number}/cache_control", one["cache_control"]))
    if block.get("cache_control") is not None:
        marks.append((f"{at}/cache_control", block["cache_control"]))


def _one_mark(mark: Any, at: str, found: Found) -> None:
    if mark is None:
        return
    if not isinstance(mark, dict) or mark.get("type") != "ephemeral":
        what = (
            f"cache_control is {said(mark)}"
            if not isinstance(mark, dict)
            else f"its type is {said(mark.get('type'))}"
        )
        found.error(fields.INVALID, at, what, 'write {"type": "ephemeral"}')
    elif mark.get("ttl", "5m") not in ("5m", "1h"):
        found.error(fields.INVALID, f"{at}/ttl", f"ttl is {said(mark['ttl'])}", 'write "5m" or "1h"')


def _tokens(parts: text.Parts, media: Media, model: Model | None) -> int:
    size = sum(memoryview(parts[name]).nbytes for name in _TEXTS if name in parts)
    words = max(0, size - media.bytes) / _BYTES_PER_TOKEN
    return int(words * (_DENSER if model is None or model.dense else 1.0)) + media.tokens


def _window(tokens: int, model: Model | None, found: Found) -> None:
    if model is None or tokens <= model.window * 0.9:
        return
    what = f"about {tokens} input tokens by its length; {model.id} takes {model.window}"
    do = "shorten the conversation; `count_tokens` of the API has the true number, for nothing"
    if tokens > model.window * _SURELY_LONGER:
        found.error("request.context_too_long", "/messages", what, do)
    else:
        found.warn("request.context_too_long", "/messages", what, do)

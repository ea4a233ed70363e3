"""Blocks of content: of a type that there is, whole, not empty; images and PDFs that are what they claim to be."""

import base64
import binascii
import re
import struct
from dataclasses import dataclass, field
from typing import Any

from seawall.causes.lint.fields import INVALID
from seawall.causes.lint.found import Found, said, step

EMPTY = "request.empty_content"
PAIRS = "request.tool_result_mismatch"
_IMAGE, _IMAGE_SIZE, _PDF = "request.image_invalid", "request.image_too_large", "request.pdf_invalid"

NEEDS: dict[str, tuple[str, ...]] = {
    "advisor_tool_result": ("content", "tool_use_id"),
    "bash_code_execution_tool_result": ("content", "tool_use_id"),
    "code_execution_tool_result": ("content", "tool_use_id"),
    "compaction": (),
    "container_upload": ("file_id",),
    "document": ("source",),
    "fallback": ("from", "to"),
    "image": ("source",),
    "mcp_tool_listing": ("mcp_server_name", "tools"),
    "mcp_tool_result": ("tool_use_id",),
    "mcp_tool_use": ("id", "input", "name", "server_name"),
    "redacted_thinking": ("data",),
    "search_result": ("content", "source", "title"),
    "server_tool_use": ("id", "input", "name"),
    "text": ("text",),
    "text_editor_code_execution_tool_result": ("content", "tool_use_id"),
    "thinking": ("signature", "thinking"),
    "tool_addition": ("tool",),
    "tool_removal": ("tool",),
    "tool_result": ("tool_use_id",),
    "tool_search_tool_result": ("content", "tool_use_id"),
    "tool_use": ("id", "input", "name"),
    "web_fetch_tool_result": ("content", "tool_use_id"),
    "web_search_tool_result": ("content", "tool_use_id"),
}
"""Types of blocks, and the fields each must have beside `type` (Python SDK 2.11; a test compares)."""
_OF_OTHERS = {
    "file": "document",
    "function_call": "tool_use",
    "function_call_output": "tool_result",
    "image_url": "image",
    "input_image": "image",
    "input_text": "text",
    "output_text": "text",
    "tool_call": "tool_use",
}
"""Blocks of another vendor's API, and what stands for them here."""
WITHIN_RESULT = ("text", "image", "document", "search_result", "tool_reference", "browser_state")
"""Types of blocks within a `tool_result`."""
_MEDIA = ("image/jpeg", "image/png", "image/gif", "image/webp")
_LARGEST_IMAGE = 5 * 1024 * 1024
"""Bytes of an image in base64 (the API's own message counts them so)."""
_MOST_PIXELS = 8000
MANY_IMAGES, MANY_PIXELS = 20, 2000
"""In a request with more images than this each side may have so many pixels at most."""
_IMAGE_TOKENS = 1600
"""Tokens of an image of the largest useful size; a smaller one has its pixels divided by 750."""
_PAGE_TOKENS = 1500
"""Tokens of a page of a PDF with little on it; the vendor says 1500 to 3000."""
_PAGE = re.compile(rb"/Type\s{0,4}/Page(?![a-zA-Z])")


@dataclass(slots=True)
class Media:
    """What the images and PDFs of a request are together."""

    images: int = 0
    pdfs: int = 0
    pages: int = 0
    """Of PDFs whose pages can be counted: a lower bound."""
    tokens: int = 0
    bytes: int = 0
    """Of the request's text that is images and PDFs in base64."""
    wide: list[str] = field(default_factory=list)
    """Places of images that are too large if there are many."""


def check(block: Any, at: str, found: Found, media: Media) -> str:
    """Finds what is wrong with a block, but for its place among others; returns its type, empty where it has none."""
    if not isinstance(block, dict):
        do = 'write {"type": "text", "text": ...}'
        found.error(INVALID, at, f"a block of content is {said(block)}, no object", do)
        return ""
    kind = block.get("type")
    if not isinstance(kind, str) or kind not in NEEDS:
        _unknown(kind, block, at, found)
        return ""
    missing = [name for name in NEEDS[kind] if block.get(name) is None]
    for name in missing:
        code = "request.thinking_signature" if name == "signature" else INVALID
        found.error(
            code,
            at,
            f"a {kind} block without {name}",
            f"add {name}, as it came" if code != INVALID else f"add {name}",
        )
    if missing:
        return kind
    match kind:
        case "text":
            text(block["text"], step(at, "text"), found)
        case "thinking" if not block["signature"]:
            do = "send thinking blocks back as they came, or leave them out"
            found.error(
                "request.thinking_signature", step(at, "signature"), "a thinking block with no signature", do
            )
        case "image":
            _image(block["source"], step(at, "source"), found, media)
        case "document":
            _document(block["source"], step(at, "source"), found, media)
        case "tool_result":
            _result(block, at, found, media)
        case _:
            pass
    return kind


def text(value: Any, at: str, found: Found) -> None:
    """Finds that a text is none, or has nothing in it."""
    if not isinstance(value, str):
        found.error(INVALID, at, f"a text is {said(value)}", "write a text")
    elif not value.strip():
        what = "an empty text" if not value else "a text of blanks only"
        found.error(EMPTY, at, what, "leave the block out")


def _unknown(kind: Any, block: dict[str, Any], at: str, found: Found) -> None:
    if kind is None:
        do = 'add "type": "text"' if isinstance(block.get("text"), str) else "add its type"
        found.error(INVALID, at, "a block without a type", do)
        return
    ours = _OF_OTHERS.get(kind) if isinstance(kind, str) else None
    if ours:
        found.error(
            INVALID, step(at, "type"), f"{said(kind)} is a block of another vendor's API", f"use {ours}"
        )
        return
    import difflib  # only where a name is wrong

    near = difflib.get_close_matches(kind[:100], NEEDS, n=1, cutoff=0.8) if isinstance(kind, str) else []
    if near or not isinstance(kind, str):
        do = f"write {near[0]}" if near else "write a type"
        found.error(INVALID, step(at, "type"), f"there is no type of block {said(kind)}", do)
    else:
        what = f"a type of block, {said(kind)}, that this version of Seawall does not know"
        found.warn(INVALID, step(at, "type"), what, "if it is not from an answer of the API, remove it")


def _result(block: dict[str, Any], at: str, found: Found, media: Media) -> None:
    content, at = block.get("content"), step(at, "content")
    if content is None or isinstance(content, str):
        return  # a tool may have nothing to say
    if not isinstance(content, list):
        found.error(
            INVALID, at, f"the content of a result is {said(content)}", "write a text or a list of blocks"
        )
        return
    for number, one in enumerate(content):
        place = step(at, number)
        kind = one.get("type") if isinstance(one, dict) else None
        if isinstance(kind, str) and kind in WITHIN_RESULT:
            if kind in NEEDS:
                check(one, place, found, media)
        else:
            do = f"write one of {', '.join(WITHIN_RESULT)}"
            found.error(INVALID, place, f"a block {said(kind)} does not stand in a tool_result", do)
        if block.get("is_error") is True and kind in ("image", "document"):
            found.error(
                INVALID,
                place,
                f"a result that is an error holds a block {said(kind)}",
                "only text may be there",
            )


def _data(source: dict[str, Any], at: str, found: Found, code: str, media: Media) -> bytes | None:
    """The bytes that a source holds in base64; None where it has none that can be read."""
    data, at = source.get("data"), step(at, "data")
    if not isinstance(data, str) or not data:
        found.error(
            code,
            at,
            "there is no data" if not data else f"data is {said(data)}",
            "put the file there in base64",
        )
        return None
    media.bytes += len(data)
    if data.startswith("data:"):
        found.error(
            code, at, "data begins with the head of a data: address", "send only what is behind its comma"
        )
        return None
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        do = "encode the file's bytes with base64, in one line, not with its variant for addresses"
        found.error(code, at, "data is not base64", do)
        return None


def _image(source: Any, at: str, found: Found, media: Media) -> None:
    media.images += 1
    media.tokens += _IMAGE_TOKENS
    if not _source(source, at, ("base64", "url", "file"), found, _IMAGE) or source["type"] != "base64":
        return
    kind = source.get("media_type")
    if kind not in _MEDIA:
        do = f"write one of {', '.join(_MEDIA)}, and convert others"
        found.error(_IMAGE, step(at, "media_type"), f"the kind of image is {said(kind)}", do)
    read = _data(source, at, found, _IMAGE, media)
    if read is None:
        return
    if (size := len(source["data"])) > _LARGEST_IMAGE:
        what = f"an image of {size / 1048576:.1f} MB in base64; 5 MB is the most"
        found.error(_IMAGE_SIZE, at, what, "scale it to 1568 pixels on its long side")
    really, width, height = measured(read)
    if really != kind and kind in _MEDIA:
        what = f"it is said to be {kind}, and is {really or 'no such image'}"
        do = f"write {really}" if really else "look at what the file is: perhaps an error page"
        found.error(_IMAGE, step(at, "media_type") if really else step(at, "data"), what, do)
    if max(width, height) > _MOST_PIXELS:
        what = f"an image of {width} x {height} pixels; {_MOST_PIXELS} a side is the most"
        found.error(_IMAGE_SIZE, at, what, "scale it to 1568 pixels on its long side")
    elif max(width, height) > MANY_PIXELS:
        media.wide.append(at)
    if width and height:
        media.tokens += min(_IMAGE_TOKENS, width * height // 750 + 1) - _IMAGE_TOKENS


def measured(data: bytes) -> tuple[str, int, int]:
    """The kind of an image by its own bytes, empty if it is none of the API's; its width and height, 0 if not found."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return ("image/png", *struct.unpack(">II", data[16:24]))
        if data.startswith((b"GIF87a", b"GIF89a")):
            return ("image/gif", *struct.unpack("<HH", data[6:10]))
        if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            return ("image/webp", *_webp(data))
        if data.startswith(b"\xff\xd8\xff"):
            return ("image/jpeg", *_jpeg(data))
    except struct.error:
        return {0x89: "image/png", 0x47: "image/gif", 0x52: "image/webp"}.get(data[0], "image/jpeg"), 0, 0
    return "", 0, 0


def _webp(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack("<I", data[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        low, high = struct.unpack("<II", data[24:27] + b"\0" + data[27:30] + b"\0")
        return low + 1, high + 1
    return 0, 0


def _jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    for _ in range(1000):  # segments before the frame; pictures of cameras have some twenty
        marker, length = struct.unpack(">HH", data[at : at + 4])
        if 0xFFC0 <= marker <= 0xFFCF and marker not in (0xFFC4, 0xFFC8, 0xFFCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return 0, 0


def _document(source: Any, at: str, found: Found, media: Media) -> None:
    if not _source(source, at, ("base64", "text", "content", "url", "file"), found, _PDF):
        return
    if source["type"] == "text":
        text(source.get("data"), step(at, "data"), found)
        return
    if source["type"] != "base64":
        return
    media.pdfs += 1
    if source.get("media_type") != "application/pdf":
        do = 'only application/pdf goes as base64; a plain text goes as {"type": "text", "media_type": "text/plain"}'
        found.error(
            _PDF, step(at, "media_type"), f"the kind of document is {said(source.get('media_type'))}", do
        )
        return
    read = _data(source, at, found, _PDF, media)
    if read is None:
        return
    if b"%PDF-" not in read[:1024]:
        found.error(_PDF, step(at, "data"), "this is no PDF", "look at what the file is")
    elif b"/Encrypt" in read:
        found.warn(_PDF, at, "the PDF seems to be protected by a password", "save it without one")
    # Many PDFs keep their pages compressed; then one page stands for 50 kB.
    pages = len(_PAGE.findall(read))
    media.pages += pages
    media.tokens += _PAGE_TOKENS * (pages or 1 + len(read) // 50_000)


def _source(source: Any, at: str, kinds: tuple[str, ...], found: Found, code: str) -> bool:
    """Whether a source is an object of a type that there is."""
    if not isinstance(source, dict):
        found.error(
            code,
            at,
            f"source is {said(source)}, no object",
            f"write an object with a type: {', '.join(kinds)}",
        )
        return False
    kind = source.get("type")
    if kind not in kinds:
        found.error(
            code, step(at, "type"), f"the type of source is {said(kind)}", f"write one of {', '.join(kinds)}"
        )
        return False
    need = {"url": "url", "file": "file_id"}.get(kind)
    if need and not isinstance(source.get(need), str):
        found.error(code, at, f"a source of type {kind} without {need}", f"add {need}")
        return False
    return True

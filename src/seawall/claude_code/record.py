"""One line of a transcript as a fact: a failed attempt, or an answer. Prompts and answers themselves are not kept.

The format is Claude Code's own and changes with its versions: `error` is an object, a word, or absent, the status may
be missing. Nothing is taken for granted; what is missing is done without.
"""

import json
import re
import time
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

import msgspec

from seawall.causes.cause import Hold, index
from seawall.causes.evidence import Evidence, Phase
from seawall.causes.match import UNKNOWN, match
from seawall.causes.verdict import explain
from seawall.store.rows import Attempt
from seawall.wire.request import family

SYNTHETIC = "<synthetic>"
"""The model of what Claude Code says itself."""
_MOST_SAID = 4000
"""Characters of a failure's text that are looked at."""


class Record(msgspec.Struct, rename="camel"):
    """What is read of a line; everything else is skipped without being built."""

    type: Any = None
    subtype: Any = None
    timestamp: Any = None
    uuid: Any = None
    parent_uuid: Any = None
    version: Any = None
    is_api_error_message: Any = None
    api_error_status: Any = None
    api_error_type: Any = None
    error: Any = None
    message: Any = None
    content: Any = None
    request_id: Any = None
    retry_attempt: Any = None


_decoder = msgspec.json.Decoder(Record)


def decoded(data: bytes) -> Record | None:
    """The record in a line; None for what is no JSON object. NULs and bytes that are no text are survived."""
    data = data.removeprefix(b"\xef\xbb\xbf").strip(b"\0 \t\r")  # Windows' own tools put a mark before copies
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return msgspec.convert(json.loads(data.decode("utf-8", "replace"), strict=False), Record)
    except (ValueError, RecursionError):
        return None


def kind(record: Record) -> str | None:
    """`shown`, `retry` or `answer`; None for what is none of them: a prompt, say, that quotes such a line."""
    if record.is_api_error_message is True:
        return "shown"
    if record.type == "system" and record.subtype == "api_error":
        return "retry"
    return "answer" if record.type == "assistant" and model(record) not in ("", SYNTHETIC) else None


def model(record: Record) -> str:
    """The model's name in a record, or empty."""
    found = record.message.get("model") if isinstance(record.message, dict) else None
    return found if isinstance(found, str) else ""


def moment(record: Record) -> float | None:
    """When it happened, in UTC seconds since 1970."""
    found = record.timestamp
    if isinstance(found, str):
        try:
            return datetime.fromisoformat(found).timestamp()
        except (ValueError, OverflowError, OSError):
            return None
    if isinstance(found, (int, float)) and not isinstance(found, bool) and 0 < found < 1e14:
        return found / 1000 if found > 1e11 else float(found)  # milliseconds, as JavaScript counts
    return None


def name(record: Record, data: bytes) -> bytes:
    """What tells the record in this line from others; a copy of it in another file has the same.

    The time is a part of it: tools that make transcripts presentable give the same ids in each.
    """
    if not isinstance(record.uuid, str):
        return data
    return f"{record.uuid} {record.timestamp}".encode("utf-8", "replace")


def identity(letter: str, name: bytes) -> str:
    """The id of a record in the store: a letter for its kind, and a hash."""
    return letter + sha256(name).hexdigest()[:32]


def recovered(record: Record, at: float, route: str) -> Attempt:
    """The attempt that succeeded after others had failed."""
    return _attempt(record, at, route, family(model(record)), None, "recovered", _request_id(record, ""))


_HIGH_LOAD = re.compile(r"^(?:API Error: )?(\w{4,10}) is experiencing high load")
_NAMED = re.compile(r"check your [\w ]{0,40}gateway \(([A-Za-z0-9.:\[\]-]{1,260})\)")
"""Behind another base address Claude Code's texts name the host instead of the status page."""
_OURSELVES = ("127.", "localhost", "[::1]", "0.")
_CUT = re.compile(
    r"mid-(?:response|stream)|response above|stopped arriving|part of the response", re.IGNORECASE
)


def failure(record: Record, at: float, route: str, kin: str) -> Attempt:
    """The failed attempt that a record tells of.

    `route` is the host where the record names none, or this machine: a gateway here speaks to that host. `kin` is
    the model family that was in use before.
    """
    text, status = said(record), _status(record)
    cause, status, error_type = _judged(_steady(text), status, _error_type(record))
    if (named := _NAMED.search(text)) and not named[1].startswith(_OURSELVES):
        route = named[1].partition(":")[0] if named[1].count(":") == 1 else named[1]
    if (loaded := _HIGH_LOAD.search(text)) and (told := family(loaded[1].lower())):
        kin = told
    if kind(record) == "retry":
        ended = "retried"
    elif _CUT.search(text):
        ended = "broken"
    else:
        ended = "passed" if index().causes[cause].hold is Hold.NO else "given_up"
    number = record.retry_attempt
    return _attempt(
        record,
        at,
        route,
        kin,
        cause,
        ended,
        _request_id(record, text),
        status,
        error_type,
        number if isinstance(number, int) and 0 < number < 10_000 else 0,
    )


def _attempt(
    record: Record,
    at: float,
    route: str,
    kin: str,
    cause: str | None,
    ended: str,
    request_id: str | None,
    status: int | None = None,
    error_type: str | None = None,
    number: int = 0,
) -> Attempt:
    version = record.version if isinstance(record.version, str) else ""
    return Attempt(
        at=at,
        utc_offset=offset(at),
        call="",
        number=number,
        route=route,
        family=kin,
        status=status,
        error_type=error_type,
        cause=cause,
        request_id=request_id,
        took=0.0,
        held=0.0,
        ended=ended,
        source="transcript",
        client=f"claude-cli/{version}" if version[:1].isdigit() else "claude-cli",
    )


def offset(at: float) -> int:
    """Minutes that this machine's clock was east of UTC at a time."""
    return _offset(at // 900)  # zones change at quarters of an hour; asking the system takes 30 us


@lru_cache(1024)
def _offset(quarter: float) -> int:
    try:
        return time.localtime(quarter * 900).tm_gmtoff // 60
    except (OverflowError, OSError, ValueError):
        return 0


def said(record: Record) -> str:
    """What the client showed, or noted, of a failure."""
    error = record.error
    if record.is_api_error_message is not True and isinstance(error, dict):
        connection = error.get("connection") or error.get("cause")
        code = connection.get("code") if isinstance(connection, dict) else None
        inner = _inner(error)
        parts = (
            error.get("status"),
            error.get("message"),
            error.get("formatted"),
            code,
            inner.get("message"),
        )
        return _joined(parts) or _joined([record.content])
    content = record.message.get("content") if isinstance(record.message, dict) else record.message
    if isinstance(content, list):
        content = "\n".join(
            part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
    text = content if isinstance(content, str) else ""
    return text[:_MOST_SAID] or _joined([record.content, error])


def _joined(parts: Any) -> str:
    return " ".join(str(part) for part in parts if isinstance(part, (str, int)))[:_MOST_SAID]


def _inner(error: dict[str, Any]) -> dict[str, Any]:
    """The API's own error object: Claude Code's versions wrap it once or twice, and it wraps itself."""
    for _ in range(3):
        inner = error.get("error")
        if not isinstance(inner, dict):
            break
        error = inner
    return error


def _status(record: Record) -> int | None:
    error = record.error if isinstance(record.error, dict) else {}
    for found in (record.api_error_status, error.get("status"), error.get("statusCode")):
        if isinstance(found, str) and found.isdecimal() and len(found) == 3:
            found = int(found)
        if isinstance(found, int) and 100 <= found <= 599:
            return found
    return None


def _error_type(record: Record) -> str | None:
    error = record.error if isinstance(record.error, dict) else {}
    for found in (record.api_error_type, _inner(error).get("type"), error.get("type")):
        if isinstance(found, str) and found != "error":
            return found
    return None


_REQUEST_ID = re.compile(r"(?<![A-Za-z0-9_])req_[A-Za-z0-9]{6,60}")


def _request_id(record: Record, text: str) -> str | None:
    error = record.error if isinstance(record.error, dict) else {}
    headers = error.get("headers")
    for found in (
        record.request_id,
        error.get("requestId"),
        error.get("requestID"),
        error.get("request_id"),
        headers.get("request-id") if isinstance(headers, dict) else None,
    ):
        if isinstance(found, str) and found:
            return found
    return request_id_in(text)


def request_id_in(text: str) -> str | None:
    """The first id of a request that a text names."""
    told = _REQUEST_ID.search(text)
    return told[0] if told else None


def _steady(text: str) -> str:
    """The text without what differs each time, so that what was judged once need not be judged again."""
    return _REQUEST_ID.sub("req_x", text)


@lru_cache(1024)
def _judged(text: str, status: int | None, error_type: str | None) -> tuple[str, int | None, str | None]:
    """The cause, with the status and the error type as far as the text has them.

    Beside words that belong to Claude Code: that the failure is of a call to Claude is known.
    """
    head = "API Error: " + (f"{status} " if status is not None and str(status) not in text else "")
    verdict = explain(f"Claude Code\n{text if text.startswith('API Error') else head + text}")
    whole = verdict.facts.whole
    status = status if status is not None else whole.status
    error_type = error_type or whole.type
    cause = verdict.cause
    if cause == UNKNOWN or cause.startswith("unrelated."):
        cause = match(Evidence(Phase.HEAD, status=status, error_type=error_type, message=text[:500]))
    if cause == UNKNOWN and error_type is None and "overloaded" in text.lower():
        cause = "provider.overloaded"
    return cause, status, error_type
